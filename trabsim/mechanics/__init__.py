"""What load does to bone: voxel finite elements, strain energy density, strength and the loads themselves."""
