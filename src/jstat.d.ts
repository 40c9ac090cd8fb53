// The part of jstat that is used; the package has no types of its own.
declare module "jstat" {
  const jstat: {
    /** The logarithm of the gamma function. */
    gammaln(x: number): number;
    readonly beta: {
      /** The quantile function of the Beta distribution. */
      inv(probability: number, alpha: number, beta: number): number;
    };
    readonly chisquare: {
      /** The quantile function of the chi-squared distribution. */
      inv(probability: number, degreesOfFreedom: number): number;
    };
    readonly normal: {
      /** The distribution function of a normal distribution. */
      cdf(value: number, mean: number, standardDeviation: number): number;
      /** The quantile function of a normal distribution. */
      inv(probability: number, mean: number, standardDeviation: number): number;
    };
    readonly studentt: {
      /** The distribution function of Student's t distribution. */
      cdf(value: number, degreesOfFreedom: number): number;
      /** The quantile function of Student's t distribution. */
      inv(probability: number, degreesOfFreedom: number): number;
    };
    readonly tukey: {
      /** The distribution function of the studentized range of `means` means. */
      cdf(range: number, means: number, degreesOfFreedom: number): number;
    };
  };
  export default jstat;
}
