#pragma once
/// Distribution functions, behind plain declarations so that Boost.Math's headers stay in one file.

namespace fairsweep {

/// Value below which a standard normal falls with probability p in (0, 1).
[[nodiscard]] double normal_quantile(double p);
/// The same for Student's t; degrees_of_freedom > 0, need not be whole, may be infinite (normal).
[[nodiscard]] double student_t_quantile(double p, double degrees_of_freedom);
/// Probability that a chi-square variable exceeds x >= 0.
[[nodiscard]] double chi_square_upper_tail(double x, double degrees_of_freedom);
/// Two-sided p value of a t statistic.
[[nodiscard]] double student_t_two_sided(double t, double degrees_of_freedom);

}  // namespace fairsweep
