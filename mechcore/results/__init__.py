"""An experiment's outputs as one object; summarised, compared, archived."""
