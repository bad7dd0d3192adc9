import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// The schedules, on both sides of each edge, for base_lr 0.1.
@Suite struct LearningRateTests {
  private func policy(_ text: String) throws -> LearningRate {
    try LearningRate(SolverParameter(text: "base_lr: 0.1 " + text, file: "s"))
  }

  @Test(
    arguments: [
      ("lr_policy: 'fixed'", [(0, 0.1), (1_000_000, 0.1)]),
      (
        "lr_policy: 'step' gamma: 0.5 stepsize: 10",
        [(0, 0.1), (9, 0.1), (10, 0.05), (19, 0.05), (20, 0.025)]
      ),
      ("lr_policy: 'exp' gamma: 0.5", [(0, 0.1), (1, 0.05), (3, 0.0125)]),
      ("lr_policy: 'inv' gamma: 1 power: 2", [(0, 0.1), (1, 0.025), (9, 0.001)]),
      (
        "lr_policy: 'multistep' gamma: 0.1 stepvalue: 5 stepvalue: 8",
        [(4, 0.1), (5, 0.01), (7, 0.01), (8, 0.001), (1000, 0.001)]
      ),
      // Caffe takes one step an iteration at most.
      (
        "lr_policy: 'multistep' gamma: 0.1 stepvalue: 5 stepvalue: 5",
        [(4, 0.1), (5, 0.01), (6, 0.001)]
      ),
      ("lr_policy: 'multistep' gamma: 0.1", [(0, 0.1), (99, 0.1)]),
      (
        "lr_policy: 'poly' power: 2 max_iter: 10",
        [(0, 0.1), (5, 0.025), (9, 0.001), (10, 0), (11, 0)]
      ),
      (
        "lr_policy: 'sigmoid' gamma: -1 stepsize: 10",
        [(10, 0.05), (9, 0.073105858), (11, 0.026894142)]
      ),
    ] as [(String, [(Int, Double)])])
  func rates(text: String, points: [(Int, Double)]) throws {
    let policy = try policy(text)
    for (iteration, expected) in points {
      // Half a unit in the last place of a float.
      #expect(abs(Double(policy.rate(at: iteration)) - expected) <= 1e-7 * expected, "\(iteration)")
    }
  }

  @Test(arguments: [
    ("lr_policy: 'step' gamma: 1", "lr_policy \"step\" needs stepsize, which is not set"),
    ("lr_policy: 'step' stepsize: 1", "lr_policy \"step\" needs gamma, which is not set"),
    ("lr_policy: 'step' gamma: 1 stepsize: 0", "stepsize must be positive, got 0"),
    ("lr_policy: 'exp'", "lr_policy \"exp\" needs gamma, which is not set"),
    ("lr_policy: 'exp' gamma: -1", "gamma must not be negative, got -1.0"),
    ("lr_policy: 'inv' gamma: 1", "lr_policy \"inv\" needs power, which is not set"),
    ("lr_policy: 'poly' power: 1", "lr_policy \"poly\" needs max_iter, which is not set"),
    ("lr_policy: 'sigmoid' gamma: 1", "lr_policy \"sigmoid\" needs stepsize, which is not set"),
    ("lr_policy: 'stpe'", "Unknown learning rate policy: stpe; did you mean \"step\"?"),
    (
      "lr_policy: 'quux'",
      "Unknown learning rate policy: quux (known: exp, fixed, inv, multistep, poly, sigmoid, step)"
    ),
    (
      "",
      "Unknown learning rate policy:  (known: exp, fixed, inv, multistep, poly, sigmoid, step)"
    ),
  ])
  func mistakesAreNamed(text: String, message: String) {
    #expect(refusal { _ = try policy(text) } == message)
  }
}
