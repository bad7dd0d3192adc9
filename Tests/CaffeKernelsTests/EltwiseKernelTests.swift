import CaffeKernels
import Testing

struct EltwiseKernelTests {
  private let inputs: [[Float]] = (1...4).map { numbers(20_003, seed: $0) }
  private var count: Int { 20_003 }

  private func withInputs(_ body: ([UnsafePointer<Float>]) -> Void) {
    inputs[0].withUnsafeBufferPointer { a in
      inputs[1].withUnsafeBufferPointer { b in
        inputs[2].withUnsafeBufferPointer { c in
          inputs[3].withUnsafeBufferPointer { d in
            body([a, b, c, d].compactMap(\.baseAddress))
          }
        }
      }
    }
  }

  @Test(arguments: [2, 3, 4]) func sumsAndProducts(of number: Int) {
    let coefficients: [Float] = [1, -2, 0.5, 3]
    let columns = (0..<count).map { i in inputs.prefix(number).map { Double($0[i]) } }
    let sums = columns.map { zip($0, coefficients).reduce(0) { $0 + $1.0 * Double($1.1) } }
    let plain = columns.map { $0.reduce(0, +) }
    let products = columns.map { $0.reduce(1, *) }
    Machine.each { machine in
      withInputs { all in
        let inputs = Array(all.prefix(number))
        let sum = output(count) {
          EltwiseKernel.sum(
            inputs, coefficients: Array(coefficients.prefix(number)), count: count, into: $0)
        }
        expectClose(sum, sums, within: 1e-6, machine)
        expectClose(
          output(count) { Blocks.sum(inputs, count: count, into: $0) }, plain, within: 1e-6, machine
        )
        let product = output(count) { EltwiseKernel.product(inputs, count: count, into: $0) }
        expectClose(product, products, within: 1e-6, machine)
        let stable = output(count) {
          EltwiseKernel.productBackward(inputs[0], inputs: inputs, index: 1, count: count, into: $0)
        }
        let others = columns.map {
          $0[0] * $0.enumerated().reduce(1) { $1.0 == 1 ? $0 : $0 * $1.1 }
        }
        expectClose(stable, others, within: 1e-6, machine)
      }
    }
  }

  @Test func divisionGivesTheSameGradientAwayFromZero() {
    let result = output(3) {
      EltwiseKernel.productBackwardByDivision(
        [1, 10, 100], output: [6, 20, -3], input: [2, 4, -1], count: 3, into: $0)
    }
    #expect(result == [3, 50, 300])
  }

  @Test func maximumRemembersItsSource() {
    let number = 3
    Machine.each { _ in
      withInputs { all in
        var mask = [Int32](repeating: 9, count: count)
        let result = output(count) {
          EltwiseKernel.maximum(Array(all.prefix(number)), count: count, mask: &mask, into: $0)
        }
        let agrees = (0..<count).allSatisfy { i in
          result[i] == inputs.prefix(number).map { $0[i] }.max()
            && inputs[Int(mask[i])][i] == result[i]
        }
        #expect(agrees)
        let back = output(count) {
          EltwiseKernel.maximumBackward(inputs[3], mask: mask, index: 2, count: count, into: $0)
        }
        let expected = (0..<count).map { mask[$0] == 2 ? inputs[3][$0] : 0 }
        #expect(back == expected)
      }
    }
  }

  @Test func tiesGoToTheSecondInput() {
    let (a, b): ([Float], [Float]) = ([1, 2, .nan, 0], [1, 1, 0, .nan])
    var mask: [Int32] = [9, 9, 9, 9]
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        let result = output(4) {
          EltwiseKernel.maximum(
            [a, b, a].compactMap(\.baseAddress), count: 4, mask: &mask, into: $0)
        }
        #expect(result[0...1] == [1, 2] && result[2].isNaN && result[3].isNaN)
      }
    }
    #expect(mask[0...1] == [1, 0] && mask[3] == 1)
  }
}

struct BlocksTests {
  @Test func permutesAxes() {
    // [2, 3] → [3, 2], by strides
    let result = output(6) {
      Blocks.copy(
        [1, 2, 3, 4, 5, 6], strides: [1, 3], extents: [3, 2], into: $0, strides: [2, 1])
    }
    #expect(result == [1, 4, 2, 5, 3, 6])
  }

  @Test func repeatsAndAdds() {
    let tiled = output(4) {
      Blocks.copy([7, 8], strides: [0, 1], extents: [2, 2], into: $0, strides: [2, 1])
    }
    #expect(tiled == [7, 8, 7, 8])
    let added = output(2, initial: [1, 1]) {
      Blocks.copy([7, 8], strides: [1], extents: [2], adding: true, into: $0, strides: [1])
    }
    #expect(added == [8, 9])
  }

  @Test func emptyAndScalarCopies() {
    #expect(output(1) { Blocks.copy([3], strides: [], extents: [], into: $0, strides: []) } == [3])
    let untouched = output(1, initial: [5]) {
      Blocks.copy([3], strides: [1], extents: [0], into: $0, strides: [1])
    }
    #expect(untouched == [5])
  }

  /// Of rows longer and shorter than what is worked on at once.
  @Test(arguments: [1, 2, 4], [7, 2500]) func sumsOfRowsThatPassAReLU(number: Int, extent: Int) {
    let (rows, stride) = (5, extent + 3)
    let inputs = (0..<number).map { numbers(rows * stride, seed: UInt64($0 + 1)) }
    let outputs = numbers(rows * stride, seed: 9)
    let places = (0..<rows).flatMap { row in (0..<extent).map { row * stride + $0 } }
    let sums = places.map { place in inputs.reduce(0) { $0 + Double($1[place]) } }
    let passed = zip(sums, places).map { outputs[$1] > 0 ? $0 : 0.25 * $0 }
    let buffers = (inputs + [outputs]).map { values in
      let buffer = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
      buffer.initialize(from: values, count: values.count)
      return buffer
    }
    defer { for buffer in buffers { buffer.deallocate() } }
    let sources = buffers.prefix(number).map { UnsafePointer($0) }
    Machine.each { machine in
      func result(_ relu: Blocks.PassedReLU?) -> [Float] {
        output(rows * extent) {
          Blocks.sumRows(
            sources, stride: stride, rows: rows, extent: extent, through: relu, into: $0)
        }
      }
      expectClose(result(nil), sums, within: 1e-6, machine)
      expectClose(
        result((outputs: UnsafePointer(buffers[number]), slope: 0.25)), passed, within: 1e-6,
        machine)
    }
  }

  @Test func rowsAndTransposedBlocksOfAnySize() {
    let (rows, columns, block) = (37, 19, 53)
    let input = numbers(rows * columns * block)
    let expected = (0..<input.count).map { i in
      let (column, rest) = i.quotientAndRemainder(dividingBy: rows * block)
      return input[(rest / block * columns + column) * block + rest % block]
    }
    Machine.each { _ in
      let result = output(input.count) {
        Blocks.transposeOuter(input, rows, columns, block: block, into: $0)
      }
      #expect(result == expected)
      let slice = output(rows * block) {
        Blocks.copyRows(
          input, stride: columns * block, rows: rows, extent: block, into: $0, stride: block)
      }
      let first = (0..<rows).flatMap { input[$0 * columns * block..<($0 * columns + 1) * block] }
      #expect(slice == first)
    }
  }
}
