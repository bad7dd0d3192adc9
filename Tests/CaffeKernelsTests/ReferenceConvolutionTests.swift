import CaffeErrors
import CaffeKernels
import CaffeTestSupport
import Testing

struct ReferenceConvolutionTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var batch = 3
    var inputs = 4
    var outputs = 6
    var groups = 1
    var input: [Int]
    var kernel: [Int]
    var stride: [Int]
    var pad: [Int]
    var dilation: [Int]

    init(
      _ name: String, _ input: [Int], kernel: [Int], stride: [Int]? = nil, pad: [Int]? = nil,
      dilation: [Int]? = nil, groups: Int = 1, inputs: Int = 4, outputs: Int = 6
    ) {
      testDescription = name
      self.input = input
      self.kernel = kernel
      self.stride = stride ?? input.map { _ in 1 }
      self.pad = pad ?? input.map { _ in 0 }
      self.dilation = dilation ?? input.map { _ in 1 }
      (self.groups, self.inputs, self.outputs) = (groups, inputs, outputs)
    }

    func geometry() throws -> ConvolutionGeometry {
      try ConvolutionGeometry(
        batch: batch, inputChannels: inputs, outputChannels: outputs, groups: groups, input: input,
        kernel: kernel, stride: stride, pad: pad, dilation: dilation)
    }

    static let all = [
      Case("3x3", [7, 5], kernel: [3, 3]),
      Case("3x3 s2 p1", [7, 9], kernel: [3, 3], stride: [2, 2], pad: [1, 1]),
      Case(
        "5x3 s3x1 p2x0 d1x2", [11, 9], kernel: [5, 3], stride: [3, 1], pad: [2, 0],
        dilation: [1, 2]),
      Case("pointwise", [5, 6], kernel: [1, 1]),
      Case("1x1 s2", [5, 6], kernel: [1, 1], stride: [2, 2]),
      Case("grouped", [6, 5], kernel: [3, 2], pad: [1, 1], groups: 2),
      Case("depthwise", [6, 5], kernel: [3, 3], pad: [1, 1], groups: 4, outputs: 4),
      Case("pad wider than kernel", [2, 3], kernel: [2, 2], pad: [3, 4]),
      Case("one axis", [13], kernel: [4], stride: [3], pad: [2], dilation: [2]),
      Case("three axes", [4, 5, 3], kernel: [2, 3, 3], stride: [2, 1, 2], pad: [1, 0, 1]),
      Case("four axes", [3, 2, 4, 3], kernel: [2, 1, 2, 2], pad: [0, 1, 1, 0]),
      Case("wide planes", [40, 41], kernel: [3, 3], pad: [1, 1]),
    ]
  }

  /// Every product of a convolution, by its definition: (output, weight, input) flat indices.
  private func forEachProduct(
    _ g: ConvolutionGeometry, _ body: (_ output: Int, _ weight: Int, _ input: Int) -> Void
  ) {
    func indices(_ extents: [Int]) -> [[Int]] {
      extents.reduce([[]]) { heads, extent in heads.flatMap { h in (0..<extent).map { h + [$0] } } }
    }
    func flat(_ index: [Int], _ extents: [Int]) -> Int {
      zip(index, extents).reduce(0) { $0 * $1.1 + $1.0 }
    }
    let perGroup = g.inputChannels / g.groups
    for o in indices([g.batch, g.outputChannels] + g.output) {
      let group = o[1] / (g.outputChannels / g.groups)
      for w in indices([perGroup] + g.kernel) {
        let position = g.input.indices.map {
          o[2 + $0] * g.stride[$0] - g.pad[$0] + w[1 + $0] * g.dilation[$0]
        }
        guard zip(position, g.input).allSatisfy({ (0..<$1).contains($0) }) else { continue }
        body(
          flat(o, [g.batch, g.outputChannels] + g.output),
          flat([o[1]] + w, [g.outputChannels, perGroup] + g.kernel),
          flat([o[0], group * perGroup + w[0]] + position, [g.batch, g.inputChannels] + g.input))
      }
    }
  }

  // 1 2 3
  // 4 5 6  *  1 0  =  1+5  2+6  =  6  8
  // 7 8 9     0 1     4+8  5+9     12 14
  @Test func diagonalKernel() throws {
    let geometry = try ConvolutionGeometry(
      batch: 1, inputChannels: 1, outputChannels: 1, input: [3, 3], kernel: [2, 2], stride: [1, 1],
      pad: [0, 0], dilation: [1, 1])
    let result = output(4) {
      ReferenceConvolution(geometry).forward(
        input: [1, 2, 3, 4, 5, 6, 7, 8, 9], weights: [1, 0, 0, 1], bias: [10], into: $0)
    }
    #expect(result == [16, 18, 22, 24])
  }

  @Test(arguments: Case.all) func allPassesMatchTheDefinition(_ c: Case) throws {
    let g = try c.geometry()
    let input = numbers(g.inputCount, seed: 1)
    let weights = numbers(g.weightCount, seed: 2)
    let gradient = numbers(g.outputCount, seed: 3)
    let bias = numbers(g.outputChannels, seed: 4)
    var forward = (0..<g.outputCount).map { Double(bias[$0 / g.outputSize % g.outputChannels]) }
    var data = [Double](repeating: 0, count: g.inputCount)
    var weightSums = [Double](repeating: 5, count: g.weightCount)
    forEachProduct(g) { o, w, i in
      forward[o] += Double(input[i]) * Double(weights[w])
      data[i] += Double(gradient[o]) * Double(weights[w])
      weightSums[w] += Double(gradient[o]) * Double(input[i])
    }
    var biasSums = [Double](repeating: 5, count: g.outputChannels)
    for o in gradient.indices {
      biasSums[o / g.outputSize % g.outputChannels] += Double(gradient[o])
    }
    let fives = [Float](repeating: 5, count: g.weightCount)

    // OpenBLAS frees and makes buffers for the whole process when its thread count changes.
    Machine.each(threads: [1, Threads.count]) { machine in
      let convolution = ReferenceConvolution(g)
      let tolerance = 1e-4  // sums of up to some thousand products of single precision
      expectClose(
        output(g.outputCount) {
          convolution.forward(input: input, weights: weights, bias: bias, into: $0)
        }, forward, within: tolerance, machine)
      expectClose(
        output(g.inputCount) {
          convolution.backwardData(outputGradient: gradient, weights: weights, into: $0)
        }, data, within: tolerance, machine)
      expectClose(
        output(g.weightCount, initial: fives) {
          convolution.backwardWeights(input: input, outputGradient: gradient, addingTo: $0)
        }, weightSums, within: tolerance, machine)
      expectClose(
        output(
          g.outputChannels,
          initial: Array(fives.prefix(1)) + Array(repeating: 5, count: g.outputChannels - 1)
        ) {
          var ignored = fives
          convolution.backwardWeights(
            input: input, outputGradient: gradient, addingTo: &ignored, bias: $0)
        }, biasSums, within: tolerance, machine)
    }
  }

  @Test(arguments: Case.all) func bfloat16IsFloat32OnRoundedOperands(_ c: Case) throws {
    let g = try c.geometry()
    let (input, weights) = (numbers(g.inputCount, seed: 1), numbers(g.weightCount, seed: 2))
    let (gradient, bias) = (numbers(g.outputCount, seed: 3), numbers(g.outputChannels, seed: 4))
    func passes(
      _ convolution: ReferenceConvolution, rounding: (Float) -> Float
    ) -> [[Float]] {
      let (input, weights) = (input.map(rounding), weights.map(rounding))
      let gradient = gradient.map(rounding)
      var biasGradient = [Float](repeating: 0, count: g.outputChannels)
      return [
        output(g.outputCount) {
          convolution.forward(input: input, weights: weights, bias: bias, into: $0)
        },
        output(g.inputCount) {
          convolution.backwardData(outputGradient: gradient, weights: weights, into: $0)
        },
        output(g.weightCount, initial: Array(repeating: 5, count: g.weightCount)) {
          convolution.backwardWeights(
            input: input, outputGradient: gradient, addingTo: $0, bias: &biasGradient)
        },
        biasGradient,
      ]
    }
    let rounded = passes(ReferenceConvolution(g, precision: .bfloat16), rounding: { $0 })
    let expected = passes(ReferenceConvolution(g), rounding: bfloat16)
    for (found, expected) in zip(rounded, expected) {
      expectClose(found, expected.map(Double.init), within: 1e-5)
    }
    #expect(rounded[0] != passes(ReferenceConvolution(g), rounding: { $0 })[0])
  }

  @Test(arguments: Case.all) func foldingIsTheTransposeOfUnfolding(_ c: Case) throws {
    let g = try c.geometry()
    let unfolding = Unfolding(g)
    let count = g.batch * unfolding.rows * g.outputSize
    let (input, columns) = (numbers(g.inputCount), numbers(count, seed: 2))
    let unfolded = output(count) { unfolding.unfoldEach(input, images: g.batch, into: $0) }
    let folded = output(g.inputCount) { unfolding.foldEach(columns, images: g.batch, into: $0) }
    let (left, right) = (
      Vector.dot(unfolded, columns, count: count), Vector.dot(input, folded, count: g.inputCount)
    )
    #expect(abs(left - right) <= 1e-5 * Double(count), "\(left) and \(right)")
  }

  @Test func deconvolutionIsTheTransposedGeometry() throws {
    let g = try ConvolutionGeometry(
      transposeOf: 1, inputChannels: 1, outputChannels: 1, input: [2, 2], kernel: [3, 3],
      stride: [2, 2], pad: [1, 1], dilation: [1, 1])
    #expect(g.input == [3, 3])
    #expect(g.output == [2, 2])
    // Ones spread from four cells, two apart, cut to the middle 3 × 3.
    let top = output(9) {
      ReferenceConvolution(g).backwardData(
        outputGradient: [1, 2, 3, 4], weights: Array(repeating: 1, count: 9), into: $0)
    }
    #expect(top == [1, 3, 2, 4, 10, 6, 3, 7, 4])
  }

  @Test func impossibleGeometriesAreRefused() {
    #expect(throws: CaffeError("num_output 5 is not a multiple of group 2")) {
      try ConvolutionGeometry(
        batch: 1, inputChannels: 4, outputChannels: 5, groups: 2, input: [3], kernel: [1],
        stride: [1], pad: [0], dilation: [1])
    }
    #expect(throws: CaffeError("pad 2 leaves nothing of the top on spatial axis 0")) {
      try ConvolutionGeometry(
        transposeOf: 1, inputChannels: 1, outputChannels: 1, input: [1], kernel: [3], stride: [1],
        pad: [2], dilation: [1])
    }
  }
}
