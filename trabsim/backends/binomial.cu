// Binomial counts by inversion, one thread per count: the steps of binomial.binomial_inversion, in its order.

extern "C" __global__ void binomial_inversion(
    const double* u, const long long* trials, const double* chance, long long* counts, long long n)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    double p = chance[t], q = 1.0 - p, term = 1.0, square = q;
    for (long long left = trials[t]; left > 0; left /= 2) {
        if (left % 2 == 1) term = term * square;
        square = square * square;
    }
    double odds = p / q, total = term;
    long long k = 0;
    while (u[t] >= total && k < trials[t]) {
        ++k;
        term = term * odds * (double)(trials[t] - k + 1) / (double)k;
        total = total + term;
    }
    counts[t] = k;
}
