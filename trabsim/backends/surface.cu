// Bone surface and the variation of bone around it.  Means what reference.surface means.

__device__ inline int clamped(int i, int n)
{
    return i < 0 ? 0 : (i < n ? i : n - 1);
}

__device__ inline int mirrored(int i, int n)
{
    int folded = i % (2 * n);
    if (folded < 0) folded += 2 * n;
    return folded < n ? folded : 2 * n - 1 - folded;
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

// Replaces the number of surface voxels around by the area of this voxel over it, one thread per voxel; outside the
// tissue there is none.
extern "C" __global__ void surface_share(
    const int* smooth, const unsigned char* tissue, float* number, double scale, int nz, int ny, int nx)
{
    long long here = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (here >= (long long)nz * ny * nx) return;
    if (tissue && !tissue[here]) number[here] = 0.0f;
    if (!(number[here] > 0.0f)) return;
    int x = (int)(here % nx), y = (int)(here / nx % ny), z = (int)(here / nx / ny);
    long long along_z[3] = {0, 0, 0}, along_y[3] = {0, 0, 0}, along_x[3] = {0, 0, 0};
    for (int dz = 0; dz < 3; ++dz)
        for (int dy = 0; dy < 3; ++dy)
            for (int dx = 0; dx < 3; ++dx) {
                int zz = clamped(z + dz - 1, nz), yy = clamped(y + dy - 1, ny), xx = clamped(x + dx - 1, nx);
                long long at = ((long long)zz * ny + yy) * nx + xx;
                long long value = tissue && !tissue[at] ? smooth[here] : smooth[at];
                int wz = dz == 1 ? 2 : 1, wy = dy == 1 ? 2 : 1, wx = dx == 1 ? 2 : 1;
                along_z[dz] += wy * wx * value;
                along_y[dy] += wz * wx * value;
                along_x[dx] += wz * wy * value;
            }
    double vz = (double)variation(along_z), vy = (double)variation(along_y), vx = (double)variation(along_x);
    number[here] = (float)(sqrt(vz * vz + vy * vy + vx * vx) * scale / (double)number[here]);
}

// Convolves along one axis (0 z, 1 y, 2 x), one thread per voxel, adding up in the order of the taps; beyond the
// lattice stands the nearest voxel or the mirror image.
extern "C" __global__ void convolve(
    const float* values, const float* taps, float* result, int n_taps, int axis, int clamp, int nz, int ny, int nx)
{
    long long here = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (here >= (long long)nz * ny * nx) return;
    int x = (int)(here % nx), y = (int)(here / nx % ny), z = (int)(here / nx / ny);
    int n = axis == 0 ? nz : (axis == 1 ? ny : nx), place = axis == 0 ? z : (axis == 1 ? y : x);
    long long stride = axis == 0 ? (long long)ny * nx : (axis == 1 ? nx : 1);
    float total = 0.0f;
    for (int k = 0; k < n_taps; ++k) {
        int at = place + k - n_taps / 2;
        at = clamp ? clamped(at, n) : mirrored(at, n);
        total = total + taps[k] * values[here + (at - place) * stride];
    }
    result[here] = total;
}
