"""A replay of traffic through the real catalog, planner, health and limits, on a simulated clock."""
