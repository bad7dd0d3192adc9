import CaffeKernels
import CaffeTestSupport
import Testing

@Suite struct OneDNNInnerProductTests {
  @Test(
    .enabled(if: Precision.isBFloat16Native, "the processor has no bfloat16"),
    arguments: [(3, 5, 4), (1, 7, 1), (64, 500, 10), (2, 33, 65)])
  func passesMatchTheDefinition(_ size: (rows: Int, inputs: Int, outputs: Int)) throws {
    let (rows, inputs, outputs) = size
    var numbers = Numbers(seed: 3)
    let input = numbers.array(rows * inputs)
    let (weights, bias) = (numbers.array(outputs * inputs), numbers.array(outputs))
    let outputGradient = numbers.array(rows * outputs)
    let product = try OneDNNInnerProduct(
      rows: rows, inputs: inputs, outputs: outputs, hasBias: true,
      gradients: [.input, .weights], scratchpad: Scratchpad())

    func multiplied(_ values: [Float]) -> [Double] { values.map { Double(bfloat16($0)) } }
    let (x, w, dy) = (multiplied(input), multiplied(weights), multiplied(outputGradient))
    var y = (0..<rows * outputs).map { Double(bias[$0 % outputs]) }
    var dx = [Double](repeating: 0, count: x.count)
    var dw = [Double](repeating: 5, count: w.count)
    var db = [Double](repeating: 5, count: outputs)
    for row in 0..<rows {
      for output in 0..<outputs {
        let g = dy[row * outputs + output]
        db[output] += g
        for i in 0..<inputs {
          y[row * outputs + output] += x[row * inputs + i] * w[output * inputs + i]
          dx[row * inputs + i] += g * w[output * inputs + i]
          dw[output * inputs + i] += g * x[row * inputs + i]
        }
      }
    }

    let read = PackedTensor(try .plain([rows, inputs]), input).operand
    let gradient = PackedTensor(try .plain([rows, outputs]), outputGradient).operand
    var found = [Float](repeating: .nan, count: y.count)
    product.forward.run(read, weights: weights, bias: bias, into: &found)
    #expect(worstDifference(found, y) < 1e-4)
    found = [Float](repeating: .nan, count: dx.count)
    try #require(product.backwardData).run(gradient, weights: weights, into: &found)
    #expect(worstDifference(found, dx) < 1e-4)
    found = [Float](repeating: 5, count: dw.count)
    var foundBias = [Float](repeating: 5, count: outputs)
    let pass = try #require(product.backwardWeights)
    withSums(&found, &foundBias) {
      pass.run(read, outputGradient: gradient, into: $0, biasGradient: $1)
    }
    #expect(worstDifference(found, dw) < 1e-4)
    #expect(worstDifference(foundBias, db) < 1e-4)
    withSums(&found, &foundBias) {
      pass.run(read, outputGradient: gradient, into: nil, biasGradient: $1)
    }
    #expect(worstDifference(foundBias, db.map { 2 * $0 - 5 }) < 1e-4)
    // What is said to be zero is not read.
    found = [Float](repeating: .nan, count: dw.count)
    foundBias = [Float](repeating: .nan, count: outputs)
    withSums(&found, &foundBias, areZero: true) {
      pass.run(read, outputGradient: gradient, into: $0, biasGradient: $1)
    }
    #expect(worstDifference(found, dw.map { $0 - 5 }) < 1e-4)
    #expect(worstDifference(foundBias, db.map { $0 - 5 }) < 1e-4)
  }
}
