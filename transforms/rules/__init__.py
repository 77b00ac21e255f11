"""The rule language: text to trees, trees to steps, events through steps one by one or by columns."""
