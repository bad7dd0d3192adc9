import CaffeKernels
import Foundation
import Testing

@Suite struct OneDNNJoinTests {
  @Test(arguments: [[Float(1), 1], [0.5, -2]])
  func aSumWeighsItsBottoms(_ coefficients: [Float]) throws {
    let extents = [2, 20, 3, 5]
    var numbers = Numbers(seed: 2)
    let bottoms = (0..<2).map { _ in numbers.array(extents.product) }
    for layout in [try OneDNNMemoryLayout.plain(extents), try .channelsLast(extents)] {
      let sum = try OneDNNJoin(
        .sum(coefficients), inputs: [layout, layout], scratchpad: Scratchpad())
      let inputs = bottoms.map { PackedTensor(layout, $0) }
      for (index, input) in inputs.enumerated() { sum.setInput(index, input.pointer) }
      let output = PackedTensor(sum.outputLayout)
      sum.run(into: output.pointer)
      let expected = zip(bottoms[0], bottoms[1]).map {
        Double(coefficients[0]) * Double($0) + Double(coefficients[1]) * Double($1)
      }
      #expect(worstDifference(output.values(extents.product), expected) < 1e-6)  // one rounding
    }
  }

  @Test func channelsAreJoinedInOrder() throws {
    let (first, second) = ([2, 16, 3, 5], [2, 32, 3, 5])
    let (a, b) = ([Float](repeating: 1, count: 480), (0..<960).map { Float($0) })
    for last in [false, true] {
      let layouts = try [first, second].map {
        last ? try OneDNNMemoryLayout.channelsLast($0) : try .plain($0)
      }
      let join = try OneDNNJoin(
        .concatenation(axis: 1), inputs: layouts, output: last ? .channelsLast : .plain,
        scratchpad: Scratchpad())
      #expect(join.outputLayout.extents == [2, 48, 3, 5])
      #expect(join.outputLayout.isChannelsLast == last)
      let inputs = [PackedTensor(layouts[0], a), PackedTensor(layouts[1], b)]
      for (index, input) in inputs.enumerated() { join.setInput(index, input.pointer) }
      let output = PackedTensor(join.outputLayout)
      join.run(into: output.pointer)
      let parts = [a[..<240], b[..<480], a[240...], b[480...]]
      let expected = parts.flatMap { $0.map(Double.init) }
      #expect(worstDifference(output.values(1440), expected) == 0)
    }
  }
}

@Suite struct OneDNNSoftmaxTests {
  @Test func passesMatchTheDefinition() throws {
    let (rows, classes) = (5, 10)
    var numbers = Numbers(seed: 4)
    let (x, dy) = (numbers.array(rows * classes).map { $0 * 50 }, numbers.array(rows * classes))
    var (y, dx): ([Double], [Double]) = ([], [])
    for row in 0..<rows {
      let cells = row * classes..<(row + 1) * classes
      let largest = cells.map { x[$0] }.max() ?? 0
      let powers = cells.map { exp(Double(x[$0] - largest)) }
      let p = powers.map { $0 / powers.reduce(0, +) }
      let mean = zip(p, cells).reduce(0) { $0 + $1.0 * Double(dy[$1.1]) }
      y += p
      dx += zip(p, cells).map { $0 * (Double(dy[$1]) - mean) }
    }
    let layout = try OneDNNMemoryLayout.plain([rows, classes])
    let softmax = try OneDNNSoftmax(axis: 1, layout: layout, scratchpad: Scratchpad())
    let values = PackedTensor(layout, x)
    softmax.forward(values.pointer, into: values.pointer)
    // oneDNN's exponential is good to some 1e-6.
    #expect(worstDifference(values.values(y.count), y) < 5e-6)
    let (gradient, result) = (PackedTensor(layout, dy), PackedTensor(layout))
    softmax.backward(gradient.pointer, output: values.pointer, into: result.pointer)
    #expect(worstDifference(result.values(y.count), dx) < 5e-6)
  }
}
