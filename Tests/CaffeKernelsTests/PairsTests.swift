import CaffeKernels
import CaffeKernelsC
import CaffeTestSupport
import Testing

/// Matrices of bfloat16 values by pairs of columns.
struct PairsTests {
  static let sizes = [(1, 1), (64, 16), (70, 300), (130, 513), (3, 256)]

  @Test(arguments: sizes, [(64, 8), (16, 16), (64, 1), (48, 128)])
  func valuesLieInTheirBlocks(
    _ size: (rows: Int, columns: Int), _ block: (rows: Int, pairs: Int)
  ) {
    var numbers = Numbers(seed: 8)
    let matrix = numbers.array(size.rows * size.columns)
    var order = ck_pairs(
      rows: size.rows, columns: size.columns, block_rows: block.rows, pairs: block.pairs)
    let across = (size.columns + 2 * block.pairs - 1) / (2 * block.pairs)
    let extent = 2 * block.pairs * block.rows
    let down = (size.rows + block.rows - 1) / block.rows
    var expected = [Float](repeating: 0, count: down * across * extent)
    for row in 0..<size.rows {
      for column in 0..<size.columns {
        let place = row / block.rows * across + column / (2 * block.pairs)
        let pair = column % (2 * block.pairs) / 2
        expected[place * extent + 2 * (pair * block.rows + row % block.rows) + column % 2] =
          bfloat16(matrix[row * size.columns + column])
      }
    }
    Machine.each { machine in
      var packed = [UInt16](repeating: 7, count: expected.count)
      ck_round_pairs(&order, matrix, &packed)
      let isSame = packed.map(bfloat16Value) == expected
      #expect(isSame, "\(machine)")
    }
  }

  /// Large weights are taken over part by part, so that each part can go before the next one is rounded.
  @Test(.enabled(if: Precision.isBFloat16Native, "the processor has no bfloat16"))
  func aProductTakesWeightsOverInParts() throws {
    let (rows, inputs, outputs) = (3, 1030, 9000)
    var numbers = Numbers(seed: 10)
    let (values, weights) = (numbers.array(rows * inputs), numbers.array(outputs * inputs))
    let input = PackedTensor(try .plain([rows, inputs]), values).operand
    func product() throws -> WeightedForward {
      try OneDNNInnerProduct(
        rows: rows, inputs: inputs, outputs: outputs, hasBias: false, gradients: [],
        scratchpad: Scratchpad()
      ).forward
    }
    var (expected, found) = (
      [Float](repeating: 0, count: rows * outputs), [Float](repeating: 0, count: rows * outputs)
    )
    try product().run(input, weights: weights, revision: 1, bias: nil, into: &expected)
    let taking = try product()
    var parts: [Range<Int>] = []
    taking.takeOver(weights: weights, revision: 1) { parts.append($0) }
    taking.run(input, weights: [.nan], revision: 1, bias: nil, into: &found)
    let isSame = found == expected
    #expect(isSame)
    #expect(parts.count > 1 && parts.first?.lowerBound == 0)
    #expect(parts.last?.upperBound == weights.count)
    #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
  }

  /// What a product's weights are packed into gives, unpacked by oneDNN, the rounded weights.
  @Test(
    .enabled(if: Precision.isBFloat16Native, "the processor has no bfloat16"),
    arguments: [(rows: 100, inputs: 333), (rows: 64, inputs: 1024)])
  func oneDNNFindsThem(_ size: (rows: Int, inputs: Int)) throws {
    var numbers = Numbers(seed: 9)
    let weights = numbers.array(size.rows * size.inputs)
    let product = try OneDNNInnerProduct(
      rows: 32, inputs: size.inputs, outputs: size.rows, hasBias: false, gradients: [],
      scratchpad: Scratchpad())
    let input = PackedTensor(
      try .plain([32, size.inputs]), numbers.array(32 * size.inputs)
    ).operand
    var output = [Float](repeating: 0, count: 32 * size.rows)
    product.forward.run(input, weights: weights, revision: 1, bias: nil, into: &output)
    var back = [Float](repeating: 0, count: weights.count)
    product.forward.giveBack(weights: &back)
    let isSame = back == weights.map(bfloat16)
    #expect(isSame)
  }
}
