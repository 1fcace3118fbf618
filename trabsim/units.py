"""The few constants that convert between units."""

DAYS_PER_YEAR = 365.25
UM_PER_MM = 1_000.0
UM2_PER_MM2 = 1e6
UM3_PER_MM3 = 1e9
