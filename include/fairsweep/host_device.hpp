#pragma once
/// Marks functions of one value that processors and GPUs compute alike.
#if defined(__CUDACC__)
#define FAIRSWEEP_HOST_DEVICE __host__ __device__
#else
#define FAIRSWEEP_HOST_DEVICE
#endif
