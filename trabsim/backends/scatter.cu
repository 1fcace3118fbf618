// Integer scatter, one thread per value.  Atomic, and free of order: integer sums and minima do not depend on it.

// Sets outside to 1 if any position lies beyond the target.
extern "C" __global__ void scatter_check(const long long* index, long long size, int* outside, long long n)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    if (index[t] < 0 || index[t] >= size) *outside = 1;
}

extern "C" __global__ void scatter_add_int32(int* target, const long long* index, const int* values, long long n)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (t < n) atomicAdd(target + index[t], values[t]);
}

extern "C" __global__ void scatter_add_int64(
    long long* target, const long long* index, const long long* values, long long n)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    // two's complement: the unsigned sum has the bits of the signed one
    if (t < n) atomicAdd((unsigned long long*)target + index[t], (unsigned long long)values[t]);
}

extern "C" __global__ void scatter_min_int32(int* target, const long long* index, const int* values, long long n)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (t < n) atomicMin(target + index[t], values[t]);
}

extern "C" __global__ void scatter_min_int64(
    long long* target, const long long* index, const long long* values, long long n)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (t < n) atomicMin(target + index[t], values[t]);
}
