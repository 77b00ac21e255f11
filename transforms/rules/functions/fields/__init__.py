"""Field processing: setting, renaming, removing, packing fields."""
