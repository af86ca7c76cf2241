"""How data reaches the disk: atomic files, netCDF, JSON, hashes; knows no science."""
