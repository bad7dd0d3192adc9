import CaffeCore
import CaffeSchema
import CaffeTestSupport
import Testing

@Suite struct FillerTests {
  private func fill(
    _ text: String, _ shape: Shape, seed: UInt64 = 1, stream: String = "s"
  ) throws -> [Float] {
    let tensor = Tensor(shape)
    try Filler(FillerParameter(text: text, file: "f"), shape: shape)
      .fill(tensor, seed: seed, stream: stream)
    return tensor.values
  }

  /// Range, mean (within four standard errors) and standard deviation (3 %) of 40,000 values.
  @Test(
    arguments: [
      ("type: 'uniform' min: -1 max: 3", -1, 3, 1, 1.1547),
      ("type: 'gaussian' mean: 2 std: 0.5", -10, 10, 2, 0.5),
      // [200, 2, 10, 10] has a fan in of 200.
      ("type: 'xavier'", -0.122475, 0.122475, 0, 0.070711), ("type: 'msra'", -1, 1, 0, 0.1),
      // One of four is kept: half the deviation.
      ("type: 'gaussian' std: 1 sparse: 50", -10, 10, 0, 0.5),
    ] as [(String, Double, Double, Double, Double)])
  func distributions(
    text: String, low: Double, high: Double, mean: Double, deviation: Double
  ) throws {
    let values = try fill(text, [200, 2, 10, 10]).map(Double.init)
    #expect(values.allSatisfy { $0 >= low && $0 <= high })
    let count = Double(values.count)
    let average = values.reduce(0, +) / count
    let variance = values.map { ($0 - average) * ($0 - average) }.reduce(0, +) / count
    #expect(abs(average - mean) < 4 * deviation / count.squareRoot())
    #expect(abs(variance.squareRoot() - deviation) < 0.03 * deviation)
  }

  /// [4, 6, 5, 5]: fan in 150, fan out 100.
  @Test(arguments: [("FAN_IN", 150), ("FAN_OUT", 100), ("AVERAGE", 125)] as [(String, Float)])
  func xavierScalesWithTheFan(norm: String, fan: Float) throws {
    let values = try fill("type: 'xavier' variance_norm: \(norm)", [4, 6, 5, 5])
    let bound = (3 / fan).squareRoot()
    let largest = values.map(abs).max() ?? 0
    #expect(largest <= bound && largest > 0.97 * bound)
  }

  @Test func constantsAndUnitBalls() throws {
    #expect(try fill("value: 3", [2]) == [3, 3])
    let rows = try fill("type: 'positive_unitball'", [5, 8])
    #expect(rows.allSatisfy { $0 >= 0 })
    for row in 0..<5 { #expect(abs(rows[row * 8..<row * 8 + 8].reduce(0, +) - 1) < 1e-6) }
  }

  /// A 4×4 kernel that doubles an image: the outer product of (1 3 3 1)/4 with itself.
  @Test func bilinear() throws {
    let line: [Float] = [0.25, 0.75, 0.75, 0.25]
    let kernel = line.flatMap { y in line.map { $0 * y } }
    #expect(try fill("type: 'bilinear'", [2, 1, 4, 4]) == kernel + kernel)
  }

  @Test(arguments: ["uniform", "gaussian", "xavier", "msra", "positive_unitball"])
  func valuesDependOnSeedAndStreamAlone(type: String) throws {
    let text = "type: '\(type)'"
    let values = try fill(text, [10, 100])
    #expect(try fill(text, [10, 100]) == values)
    #expect(try fill(text, [10, 100], seed: 2) != values)
    #expect(try fill(text, [10, 100], stream: "t") != values)
  }

  @Test(
    arguments: [
      ("type: 'xaver'", [2, 2], "Unknown filler name: xaver; did you mean \"xavier\"?"),
      ("type: 'bilinear'", [2, 2], "the bilinear filler needs a blob with 4 axes, got 2 2 (4)"),
      ("type: 'bilinear'", [1, 1, 2, 3], "the bilinear filler needs a square kernel, got 2x3"),
      ("type: 'uniform' sparse: 1", [2], "Sparsity not supported by the uniform filler."),
      (
        "type: 'gaussian' sparse: 3", [2],
        "sparse must be at most the blob's first dimension, got 3 for 2 (2)"
      ),
      ("type: 'gaussian' std: 0", [2], "std must be positive, got 0"),
      ("type: 'gaussian' std: nan", [2], "std must be positive, got nan"),
      ("type: 'gaussian' sparse: -2", [2], "sparse must be at least -1, got -2"),
      ("type: 'uniform' min: 1 max: 0", [2], "min must be at most max (0), got 1"),
      ("type: 'constant'", [0], "a learnable blob cannot be empty: 0 (0)"),
    ] as [(String, Shape, String)])
  func mistakesAreNamed(text: String, shape: Shape, message: String) {
    #expect(refusal { _ = try fill(text, shape) } == message)
  }
}
