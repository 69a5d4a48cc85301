"""Files only: icons, edge table, diffusivities, help."""
