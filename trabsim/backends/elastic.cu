// Voxel elasticity: the operators that _cpu_elastic.py holds for the CPU, with the same arithmetic, operation by
// operation.  Compile without fused multiply-add.  What they compute is told in elastic.py.
//
// One thread per node: it computes the elements around the node and keeps its own corner of each, so nothing is
// written by two threads and every node adds up its elements in the order in which the CPU does.

#define EACH_COMPONENT for (int c = 0; c < 24; c += 8)

template <class T> __device__ inline void to_modes(T* a)
{
    EACH_COMPONENT for (int step = 1; step < 8; step *= 2)
        for (int i = 0; i < 8; ++i) {
            if (i & step) continue;
            T low = a[c + i], high = a[c + i + step];
            a[c + i] = high + low;
            a[c + i + step] = high - low;
        }
}

template <class T> __device__ inline void from_modes(T* a)
{
    EACH_COMPONENT for (int step = 4; step > 0; step /= 2)
        for (int i = 0; i < 8; ++i) {
            if (i & step) continue;
            T total = a[c + i], difference = a[c + i + step];
            a[c + i] = total - difference;
            a[c + i + step] = total + difference;
        }
}

template <class T> __device__ inline void stiffness(T* a, T e, const T* constants)
{
    T lam = constants[0], mu2 = constants[1], mu = constants[2];
    T lam3 = constants[3], mu3 = constants[4], k9 = constants[5];
    T ex = a[1], ey = a[10], ez = a[20];
    T t = lam * ((ex + ey) + ez);
    T xy = mu * (a[2] + a[9]), xz = mu * (a[4] + a[17]), yz = mu * (a[12] + a[18]);
    a[0] = a[8] = a[16] = (T)0;
    a[1] = e * (t + mu2 * ex);
    a[10] = e * (t + mu2 * ey);
    a[20] = e * (t + mu2 * ez);
    a[2] = a[9] = e * xy;
    a[4] = a[17] = e * xz;
    a[12] = a[18] = e * yz;
    T u_xy = a[3], u_xz = a[5], v_xy = a[11], v_yz = a[14], w_xz = a[21], w_yz = a[22];
    T tx = lam3 * (v_xy + w_xz), ty = lam3 * (u_xy + w_yz), tz = lam3 * (u_xz + v_yz);
    a[3] = e * (ty + mu * u_xy);
    a[5] = e * (tz + mu * u_xz);
    a[11] = e * (tx + mu * v_xy);
    a[14] = e * (tz + mu * v_yz);
    a[21] = e * (tx + mu * w_xz);
    a[22] = e * (ty + mu * w_yz);
    T u_yz = a[6], v_xz = a[13], w_xy = a[19];
    T uv = u_yz + v_xz, uw = u_yz + w_xy, vw = v_xz + w_xy;
    a[6] = e * (mu3 * (uv + uw));
    a[13] = e * (mu3 * (uv + vw));
    a[19] = e * (mu3 * (uw + vw));
    a[7] = e * (k9 * a[7]);
    a[15] = e * (k9 * a[15]);
    a[23] = e * (k9 * a[23]);
}

template <class T> __device__ inline void write(T* out, long long node, int fixed, const T* f)
{
    for (int c = 0; c < 3; ++c) out[3 * node + c] = fixed >> c & 1 ? (T)0 : f[c];
}

template <class T>
__device__ inline void voxels_at(
    const long long* start, const long long* entries, const int* rows, const float* modulus, const T* constants,
    const unsigned char* fixed, const T* u, T* out, long long node)
{
    T f[3] = {(T)0, (T)0, (T)0};
    for (long long j = start[node]; j < start[node + 1]; ++j) {
        long long element = entries[j] / 8;
        int corner = (int)(entries[j] % 8);
        T a[24];
        for (int i = 0; i < 8; ++i) {
            long long m = (long long)rows[4 * element + i / 2] + i % 2;
            for (int c = 0; c < 3; ++c) a[8 * c + i] = u[3 * m + c];
        }
        to_modes(a);
        stiffness(a, (T)modulus[element], constants);
        from_modes(a);
        for (int c = 0; c < 3; ++c) f[c] += a[8 * c + corner];
    }
    write(out, node, fixed[node], f);
}

extern "C" __global__ void elastic_voxels_float32(
    const long long* start, const long long* entries, const int* rows, const float* modulus, const float* constants,
    const unsigned char* fixed, const float* u, float* out, long long nodes)
{
    long long node = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (node < nodes) voxels_at(start, entries, rows, modulus, constants, fixed, u, out, node);
}

extern "C" __global__ void elastic_voxels_float64(
    const long long* start, const long long* entries, const int* rows, const float* modulus, const double* constants,
    const unsigned char* fixed, const double* u, double* out, long long nodes)
{
    long long node = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (node < nodes) voxels_at(start, entries, rows, modulus, constants, fixed, u, out, node);
}

__device__ inline void to_octant(float* a, int octant, float half)
{
    EACH_COMPONENT for (int step = 1; step < 8; step *= 2)
        for (int i = 0; i < 8; ++i) {
            if (i & step) continue;
            float h = half * a[c + i + step];
            a[c + i] = octant & step ? a[c + i] + h : a[c + i] - h;
            a[c + i + step] = h;
        }
}

__device__ inline void from_octant(float* a, int octant, float half)
{
    EACH_COMPONENT for (int step = 4; step > 0; step /= 2)
        for (int i = 0; i < 8; ++i) {
            if (i & step) continue;
            float f = a[c + i];
            a[c + i + step] = half * (octant & step ? a[c + i + step] + f : a[c + i + step] - f);
        }
}

extern "C" __global__ void elastic_octants(
    const long long* start, const long long* entries, const int* corners, const float* moduli, const float* constants,
    const unsigned char* fixed, const float* u, float* out, long long nodes)
{
    long long node = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (node >= nodes) return;
    float f[3] = {0.0f, 0.0f, 0.0f};
    for (long long j = start[node]; j < start[node + 1]; ++j) {
        long long element = entries[j] / 8;
        int corner = (int)(entries[j] % 8);
        float a[24], total[24];
        for (int i = 0; i < 8; ++i) {
            long long m = corners[8 * element + i];
            for (int c = 0; c < 3; ++c) a[8 * c + i] = u[3 * m + c];
        }
        to_modes(a);
        for (int i = 0; i < 24; ++i) total[i] = 0.0f;
        for (int octant = 0; octant < 8; ++octant) {
            float e = moduli[8 * element + octant];
            if (e == 0.0f) continue;
            float b[24];
            for (int i = 0; i < 24; ++i) b[i] = a[i];
            to_octant(b, octant, constants[7]);
            stiffness(b, e, constants);
            from_octant(b, octant, constants[7]);
            for (int i = 0; i < 24; ++i) total[i] += b[i];
        }
        from_modes(total);
        for (int c = 0; c < 3; ++c) f[c] += total[8 * c + corner];
    }
    write(out, node, fixed[node], f);
}
