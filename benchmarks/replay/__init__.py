"""A replay of traffic through the real catalogue, planner, health and limits, on a simulated clock."""
