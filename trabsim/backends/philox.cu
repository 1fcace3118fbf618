// Counter-based random numbers: Philox4x32-10, one thread per id.  Means what reference.uniform2 means.

typedef unsigned int word;
typedef unsigned long long wide;

__device__ inline double fraction(word high, word low)
{
    return (double)(((wide)(high >> 5) << 26) | (wide)(low >> 6)) * (1.0 / 9007199254740992.0);
}

// second may be null where only one number per id is wanted.
extern "C" __global__ void philox_uniform(
    const long long* ids, word day, word draw, word k0, word k1, double* first, double* second, long long n)
{
    long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    wide id = (wide)ids[t];
    word c0 = (word)id, c1 = (word)(id >> 32), c2 = day, c3 = draw;
    for (int round = 0; round < 10; ++round) {
        wide p0 = (wide)0xD2511F53u * c0, p1 = (wide)0xCD9E8D57u * c2;
        c0 = (word)(p1 >> 32) ^ c1 ^ k0;
        c1 = (word)p1;
        c2 = (word)(p0 >> 32) ^ c3 ^ k1;
        c3 = (word)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    first[t] = fraction(c0, c1);
    if (second) second[t] = fraction(c2, c3);
}
