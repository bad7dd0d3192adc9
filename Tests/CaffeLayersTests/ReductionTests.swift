import CaffeCore
import CaffeNet
import CaffeTestSupport
import Testing

struct ReductionTests {
  @Test(arguments: [
    ("SUM", [Float(-4), 12]), ("ASUM", [8, 12]), ("SUMSQ", [40, 80]), ("MEAN", [-2, 6]),
  ])
  func reducesRows(operation: String, expected: [Float]) throws {
    let layer = LayerTestCase(
      operation, "type: \"Reduction\" reduction_param { operation: \(operation) axis: 1 coeff: 1 }",
      [[2, 2]])
    #expect(try layer.output([[2, -6, 4, 8]]) == expected)
  }

  @Test(arguments: ["SUM", "ASUM", "SUMSQ", "MEAN"], [0, 1, -1])
  func gradients(operation: String, axis: Int) throws {
    var random = TestRandom(seed: 5)
    let options = "operation: \(operation) axis: \(axis) coeff: 0.7"
    try LayerTestCase(options, "type: \"Reduction\" reduction_param { \(options) }", [[2, 3, 4]])
      .expectGradients([random.spaced(24)])
  }

  @Test func everythingMakesAScalar() throws {
    let net = try LayerTestCase("scalar", #"type: "Reduction""#, [[2, 3]]).net()
    #expect(net.blob("out0")?.shape == [])
    RefusedLayer(
      #"type: "Reduction" reduction_param { axis: 2 }"#, [[2, 3]], "axis 2 is out of range"
    ).expect()
  }
}
