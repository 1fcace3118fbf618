"""Many runs as one experiment: trials, scorecards, calibration and sensitivity."""
