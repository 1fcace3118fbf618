// Bone surface and the variation of bone around it.  Means what reference.surface means.

__device__ inline int clamped(int i, int n)
{
    return i < 0 ? 0 : (i < n ? i : n - 1);
}

// Marks the surface voxels, one thread per voxel; tissue may be null, half is the least bone of a bone-side voxel.
extern "C" __global__ void surface_mark(
    const int* bone, const unsigned char* tissue, long long half, unsigned char* found, int nz, int ny, int nx)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= (long long)nz * ny * nx) return;
    found[t] = 0;
    if (bone[t] < half || (tissue && !tissue[t])) return;
    int x = (int)(t % nx), y = (int)(t / nx % ny), z = (int)(t / nx / ny);
    for (int zz = z > 0 ? z - 1 : 0; zz <= z + 1 && zz < nz; ++zz)
        for (int yy = y > 0 ? y - 1 : 0; yy <= y + 1 && yy < ny; ++yy)
            for (int xx = x > 0 ? x - 1 : 0; xx <= x + 1 && xx < nx; ++xx) {
                long long at = ((long long)zz * ny + yy) * nx + xx;
                if (bone[at] < half && (!tissue || tissue[at])) {
                    found[t] = 1;
                    return;
                }
            }
}

__device__ inline long long variation(const long long* plane)
{
    long long up = plane[2] - plane[1], down = plane[1] - plane[0];
    return (up < 0 ? -up : up) + (down < 0 ? -down : down);
}

// Writes the variation along z, y, x at the given positions, one thread per position.
extern "C" __global__ void surface_variation(
    const int* bone, const unsigned char* tissue, const long long* index, long long* out, int nz, int ny, int nx,
    long long n)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    long long here = index[t];
    int x = (int)(here % nx), y = (int)(here / nx % ny), z = (int)(here / nx / ny);
    long long along_z[3] = {0, 0, 0}, along_y[3] = {0, 0, 0}, along_x[3] = {0, 0, 0};
    for (int dz = 0; dz < 3; ++dz)
        for (int dy = 0; dy < 3; ++dy)
            for (int dx = 0; dx < 3; ++dx) {
                int zz = clamped(z + dz - 1, nz), yy = clamped(y + dy - 1, ny), xx = clamped(x + dx - 1, nx);
                long long at = ((long long)zz * ny + yy) * nx + xx;
                long long value = tissue && !tissue[at] ? bone[here] : bone[at];
                int wz = dz == 1 ? 2 : 1, wy = dy == 1 ? 2 : 1, wx = dx == 1 ? 2 : 1;
                along_z[dz] += wy * wx * value;
                along_y[dy] += wz * wx * value;
                along_x[dx] += wz * wy * value;
            }
    out[3 * t] = variation(along_z);
    out[3 * t + 1] = variation(along_y);
    out[3 * t + 2] = variation(along_x);
}
