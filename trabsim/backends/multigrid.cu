// The loops around the elastic operators that _cpu_multigrid.py holds for the CPU, with the same arithmetic.
// Compile without fused multiply-add.  What they compute is told in elastic.py.

__device__ inline long long thread_number()
{
    return (long long)blockIdx.x * blockDim.x + threadIdx.x;
}

// One thread per node.
extern "C" __global__ void multigrid_blocks(
    const long long* start, const int* neighbor, const float* values, const float* u, float* out, long long nodes)
{
    long long i = thread_number();
    if (i >= nodes) return;
    float x = 0.0f, y = 0.0f, z = 0.0f;
    for (long long j = start[i]; j < start[i + 1]; ++j) {
        const float* k = values + 9 * j;
        const float* v = u + 3 * (long long)neighbor[j];
        x += (k[0] * v[0] + k[1] * v[1]) + k[2] * v[2];
        y += (k[3] * v[0] + k[4] * v[1]) + k[5] * v[2];
        z += (k[6] * v[0] + k[7] * v[1]) + k[8] * v[2];
    }
    out[3 * i] = x;
    out[3 * i + 1] = y;
    out[3 * i + 2] = z;
}

__device__ inline void solve_block(const float* d, const float* r, float* s)
{
    s[0] = (d[0] * r[0] + d[1] * r[1]) + d[2] * r[2];
    s[1] = (d[1] * r[0] + d[3] * r[1]) + d[4] * r[2];
    s[2] = (d[2] * r[0] + d[4] * r[1]) + d[5] * r[2];
}

extern "C" __global__ void multigrid_smooth_first(
    const float* inverse, const float* r, float b, float* d, float* x, int add, long long nodes)
{
    long long i = thread_number();
    if (i >= nodes) return;
    float s[3];
    solve_block(inverse + 6 * i, r + 3 * i, s);
    for (int c = 0; c < 3; ++c) {
        float step = b * s[c];
        d[3 * i + c] = step;
        x[3 * i + c] = add ? x[3 * i + c] + step : step;
    }
}

extern "C" __global__ void multigrid_smooth_next(
    const float* inverse, float* r, const float* q, float a, float b, float* d, float* x, long long nodes)
{
    long long i = thread_number();
    if (i >= nodes) return;
    for (int c = 0; c < 3; ++c) r[3 * i + c] = r[3 * i + c] - q[3 * i + c];
    float s[3];
    solve_block(inverse + 6 * i, r + 3 * i, s);
    for (int c = 0; c < 3; ++c) {
        float step = a * d[3 * i + c] + b * s[c];
        d[3 * i + c] = step;
        x[3 * i + c] = x[3 * i + c] + step;
    }
}

extern "C" __global__ void multigrid_subtract(float* r, const float* q, long long nodes)
{
    long long i = thread_number();
    if (i >= nodes) return;
    for (int c = 0; c < 3; ++c) r[3 * i + c] = r[3 * i + c] - q[3 * i + c];
}

extern "C" __global__ void multigrid_prolong(
    const int* parent, const unsigned char* place, const int* corners, const float* weights, const unsigned char* fixed,
    const float* coarse, float* d, float* x, long long nodes)
{
    long long i = thread_number();
    if (i >= nodes) return;
    float v[3] = {0.0f, 0.0f, 0.0f};
    for (int k = 0; k < 8; ++k) {
        float w = weights[8 * place[i] + k];
        if (w == 0.0f) continue;
        const float* from = coarse + 3 * (long long)corners[8 * (long long)parent[i] + k];
        for (int c = 0; c < 3; ++c) v[c] += w * from[c];
    }
    for (int c = 0; c < 3; ++c) {
        float step = fixed[i] >> c & 1 ? 0.0f : v[c];
        d[3 * i + c] = step;
        x[3 * i + c] = x[3 * i + c] + step;
    }
}

// One thread per coarse node.
extern "C" __global__ void multigrid_restrict(
    const long long* start, const int* child, const unsigned char* halvings, const float* scales, const float* r,
    float* coarse, long long nodes)
{
    long long i = thread_number();
    if (i >= nodes) return;
    float v[3] = {0.0f, 0.0f, 0.0f};
    for (long long j = start[i]; j < start[i + 1]; ++j) {
        float w = scales[halvings[j]];
        for (int c = 0; c < 3; ++c) v[c] += w * r[3 * (long long)child[j] + c];
    }
    for (int c = 0; c < 3; ++c) coarse[3 * i + c] = v[c];
}

// One thread per partial sum of `length` numbers.
extern "C" __global__ void multigrid_dot_float32(
    const double* a, const float* b, double* partial, long long length, long long n)
{
    long long task = thread_number(), first = task * length;
    if (first >= n) return;
    double total = 0.0;
    for (long long i = first; i < first + length && i < n; ++i) total += a[i] * (double)b[i];
    partial[task] = total;
}

extern "C" __global__ void multigrid_dot_float64(
    const double* a, const double* b, double* partial, long long length, long long n)
{
    long long task = thread_number(), first = task * length;
    if (first >= n) return;
    double total = 0.0;
    for (long long i = first; i < first + length && i < n; ++i) total += a[i] * b[i];
    partial[task] = total;
}

extern "C" __global__ void multigrid_advance(
    double alpha, const double* p, const double* q, double* x, double* r, long long n)
{
    long long i = thread_number();
    if (i >= n) return;
    x[i] = x[i] + alpha * p[i];
    r[i] = r[i] - alpha * q[i];
}

extern "C" __global__ void multigrid_turn(double scale, const float* z, double beta, double* p, long long n)
{
    long long i = thread_number();
    if (i < n) p[i] = scale * (double)z[i] + beta * p[i];
}

extern "C" __global__ void multigrid_narrow(double scale, const double* r, float* out, long long n)
{
    long long i = thread_number();
    if (i < n) out[i] = (float)(scale * r[i]);
}
