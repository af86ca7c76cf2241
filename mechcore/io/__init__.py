"""How data reaches the disk: atomic files, netCDF, JSON, hashes; contains no science."""
