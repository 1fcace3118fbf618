// Steady-field solver: the loops that _cpu_steady.py holds for the CPU, in the same layout and with the same
// arithmetic, operation by operation.  Compile without fused multiply-add.  The method is told in steady.py.
//
// Voxel (z, y, x) lies at [color, z + 1, y + 1, (x >> 1) + 1] with color = (z + y + x) & 1, in a border of zeros.

#define OUTSIDE 7

__device__ inline long long packed_at(int color, int z, int y, int i, int nz, int ny, int nx)
{
    int width = (nx + 1) / 2 + 2;
    return (((long long)color * (nz + 2) + z + 1) * (ny + 2) + y + 1) * width + i + 1;
}

// One thread per voxel of the lattice; active becomes 1 if there is any source.
extern "C" __global__ void steady_pack(
    const float* source, const unsigned char* domain, const float* field, float* packed, float* forcing,
    unsigned char* code, int* active, int nz, int ny, int nx)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= (long long)nz * ny * nx || !domain[t]) return;
    int x = (int)(t % nx), y = (int)(t / nx % ny), z = (int)(t / nx / ny);
    long long row = nx, plane = (long long)ny * nx;
    int n = 0;
    if (z > 0) n += domain[t - plane] != 0;
    if (z < nz - 1) n += domain[t + plane] != 0;
    if (y > 0) n += domain[t - row] != 0;
    if (y < ny - 1) n += domain[t + row] != 0;
    if (x > 0) n += domain[t - 1] != 0;
    if (x < nx - 1) n += domain[t + 1] != 0;
    long long at = packed_at((z + y + x) & 1, z, y, x >> 1, nz, ny, nx);
    code[at] = (unsigned char)n;
    packed[at] = field[t];
    forcing[at] = source[t];
    if (source[t] != 0.0f) *active = 1;
}

// One thread per packed voxel of one color.
extern "C" __global__ void steady_half_sweep(
    float* packed, const float* forcing, const unsigned char* code, int color, float length2, float omega, int nz,
    int ny, int nx)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    int half = (nx + 1) / 2;
    if (t >= (long long)nz * ny * half) return;
    int i = (int)(t % half), y = (int)(t / half % ny), z = (int)(t / half / ny);
    long long at = packed_at(color, z, y, i, nz, ny, nx);
    if (code[at] >= OUTSIDE) return;
    long long row = half + 2, plane = row * (ny + 2);
    const float* other = packed + packed_at(1 - color, z, y, i, nz, ny, nx);
    int odd = (color + z + y) & 1;
    float around = ((other[-plane] + other[plane]) + (other[-row] + other[row])) + (other[odd - 1] + other[odd]);
    float target = (forcing[at] + length2 * around) / (1.0f + length2 * (float)code[at]);
    packed[at] = packed[at] + omega * (target - packed[at]);
}

__device__ inline double larger(double a, double b)
{
    return a > b ? a : b;
}

// One thread per (color, z, i), summing squares and finding peaks along y in a fixed order.
// Plane 0 and 1 of sums and peaks hold the field in color 0 and 1, plane 2 the change of color 1 since the guess.
extern "C" __global__ void steady_measure(
    const float* packed, const unsigned char* code, const float* guess, float length2, double* sums, double* peaks,
    int nz, int ny, int nx)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    int half = (nx + 1) / 2;
    if (t >= 2LL * nz * half) return;
    int i = (int)(t % half), z = (int)(t / half % nz), color = (int)(t / half / nz);
    double sum = 0.0, moved = 0.0, peak = 0.0, peak_moved = 0.0;
    for (int y = 0; y < ny; ++y) {
        long long at = packed_at(color, z, y, i, nz, ny, nx);
        if (code[at] >= OUTSIDE) continue;
        double weight = (double)(1.0f + length2 * (float)code[at]), value = (double)packed[at];
        sum += (value * value) * weight;
        peak = larger(peak, value < 0.0 ? -value : value);
        if (color == 1) {
            int x = 2 * i + ((color + z + y) & 1);
            double step = value - (double)guess[((long long)z * ny + y) * nx + x];
            moved += (step * step) * weight;
            peak_moved = larger(peak_moved, step < 0.0 ? -step : step);
        }
    }
    sums[t] = sum;
    peaks[t] = peak;
    if (color == 1) {
        sums[t + (long long)nz * half] = moved;
        peaks[t + (long long)nz * half] = peak_moved;
    }
}

// One thread per voxel of the lattice; zero outside the domain, as the packed border is.
extern "C" __global__ void steady_unpack(const float* packed, float* field, int nz, int ny, int nx)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= (long long)nz * ny * nx) return;
    int x = (int)(t % nx), y = (int)(t / nx % ny), z = (int)(t / nx / ny);
    field[t] = packed[packed_at((z + y + x) & 1, z, y, x >> 1, nz, ny, nx)];
}
