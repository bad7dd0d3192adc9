import CaffeKernels
import Testing

struct LookupKernelTests {
  @Test func gatherPicksRowsAndAddsABias() {
    let table: [Float] = [1, 2, 3, 4, 5, 6]
    let rows = output(6) {
      LookupKernel.gather(table, indices: [2, 0, 2], count: 3, width: 2, into: $0)
    }
    #expect(rows == [5, 6, 1, 2, 5, 6])
    let biased = output(2) {
      LookupKernel.gather(table, indices: [1], count: 1, width: 2, bias: [10, 20], into: $0)
    }
    #expect(biased == [13, 24])
  }

  @Test(arguments: [(3, 2, 2), (500, 97, 71), (70, 9, 1031)])
  func scatterAddIsTheTransposeOfGather(count: Int, rows: Int, width: Int) {
    let indices = numbers(count, in: 0...Float(rows) - 0.01).map { $0.rounded(.down) }
    let gradient = numbers(count * width)
    var expected = [Double](repeating: 1, count: rows * width)
    for i in 0..<count {
      for j in 0..<width {
        expected[Int(indices[i]) * width + j] += Double(gradient[i * width + j])
      }
    }
    Machine.each { machine in
      let result = output(rows * width, initial: Array(repeating: 1, count: rows * width)) {
        LookupKernel.scatterAdd(
          gradient, indices: indices, count: count, rows: rows, width: width, into: $0)
      }
      expectClose(result, expected, within: 1e-5, machine)
    }
  }

  @Test func topOfAFlatRow() {
    var values = [Float](repeating: 0, count: 3)
    let indices = output(3) {
      TopKernel.find(
        [1, 5, 3, 5, .nan, 2], SoftmaxExtents(outer: 1, channels: 6, inner: 1), top: 3,
        outerStride: 3, indices: $0, values: &values)
    }
    #expect(indices == [3, 1, 2], "of equal values the higher index comes first")
    #expect(values == [5, 5, 3])
  }

  @Test func topOfEverythingIsASort() {
    let extents = SoftmaxExtents(outer: 3, channels: 17, inner: 5)
    let input = numbers(3 * 17 * 5, in: 0...4).map { $0.rounded() }
    let sorted = output(input.count) {
      TopKernel.find(
        input, extents, top: 17, outerStride: 17 * 5, indices: nil, values: $0)
    }
    for position in 0..<15 {
      let start = position / 5 * 17 * 5 + position % 5
      let column = (0..<17).map { input[start + $0 * 5] }.sorted(by: >)
      #expect((0..<17).map { sorted[start + $0 * 5] } == column)
    }
  }

  @Test func nanRanksLast() {
    let indices = output(3) {
      TopKernel.find(
        [.nan, -1, .nan], SoftmaxExtents(outer: 1, channels: 3, inner: 1), top: 3, outerStride: 3,
        indices: $0, values: nil)
    }
    #expect(indices == [1, 2, 0])
  }

  @Test func rowsAreComparedAndScaled() {
    let distances = output(2) {
      RowKernel.squaredDistances([1, 2, 3, 4], [1, 0, 0, 0], rows: 2, extent: 2, into: $0)
    }
    #expect(distances == [4, 25])
    let scaled = output(4) {
      ColumnKernel.scale(
        [1, 2, 3, 4], by: [10, -1], factor: 2, MatrixColumns(rows: 2, width: 2), into: $0)
    }
    #expect(scaled == [20, 40, -6, -8])
  }
}
