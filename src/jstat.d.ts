// The part of jstat that is used; the package has no types of its own.
declare module "jstat" {
  const jstat: {
    readonly beta: {
      /** The quantile function of the Beta distribution. */
      inv(probability: number, alpha: number, beta: number): number;
    };
    readonly studentt: {
      /** The quantile function of Student's t distribution. */
      inv(probability: number, degreesOfFreedom: number): number;
    };
  };
  export default jstat;
}
