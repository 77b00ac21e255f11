"""What transformation jobs of every kind share: job files, plans, rules with their surroundings, commits."""
