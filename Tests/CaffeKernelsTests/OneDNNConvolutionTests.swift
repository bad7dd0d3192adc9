import CaffeKernels
import CaffeTestSupport
import Testing

@Suite struct OneDNNConvolutionTests {
  /// Sums of up to some 1000 products of values below 1: float rounding stays under 1e-5 relative
  /// to the length's square root; Winograd's transforms lose two more digits.
  private func tolerance(_ c: OneDNNConvolutionCase) -> Double {
    c.algorithm == .direct ? 2e-4 : 5e-3
  }

  @Test(arguments: try OneDNNConvolutionCase.all() + OneDNNConvolutionCase.bfloat16())
  func passesMatchTheDefinition(_ c: OneDNNConvolutionCase) throws {
    let trial = ConvolutionTrial(c.geometry, precision: c.precision)
    let convolution = try OneDNNConvolution(
      c.geometry, hasBias: true, precision: c.precision, algorithm: c.algorithm,
      scratchpad: Scratchpad())
    let limit = tolerance(c)
    #expect(
      worstDifference(
        trial.output(of: convolution, bias: trial.bias), trial.naive.output(bias: trial.bias))
        < limit)
    #expect(
      worstDifference(
        try trial.inputGradient(of: convolution),
        trial.naive.inputGradient(trial.multipliedGradient)) < limit)
    let gradients = try trial.parameterGradients(of: convolution)
    #expect(
      worstDifference(gradients.weights, trial.naive.weightsGradient(trial.multipliedGradient))
        < limit)
    #expect(
      worstDifference(gradients.bias, trial.naive.biasGradient(trial.multipliedGradient)) < limit)
  }

  /// Rounded operands are those that the passes would round, so that nothing else changes.
  @Test(arguments: try OneDNNConvolutionCase.bfloat16())
  func operandsAndResultsMayBeRounded(_ c: OneDNNConvolutionCase) throws {
    let trial = ConvolutionTrial(c.geometry, precision: c.precision)
    func make(_ rounded: RoundedResults) throws -> OneDNNConvolution {
      try OneDNNConvolution(
        c.geometry, hasBias: true, precision: c.precision, rounded: rounded,
        scratchpad: Scratchpad())
    }
    let (exact, rounding) = (try make([]), try make([.output, .inputGradient]))
    #expect(!exact.forward.outputLayout.isRounded)
    #expect(rounding.forward.outputLayout.isRounded && rounding.forward.takesRounded)
    #expect(try #require(rounding.backwardData).inputGradientLayout.isRounded)
    let results = try [(exact, false), (exact, true), (rounding, true)].map {
      [
        trial.output(of: $0, bias: trial.bias, rounded: $1),
        try trial.inputGradient(of: $0, rounded: $1),
      ]
    }
    #expect(results[0] == results[1])
    // Half a unit in the last place of bfloat16, and what other sums differ by.
    for (found, expected) in zip(results[2], results[0]) {
      #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 0x1p-8 * abs($1) + 1e-4 })
      #expect(found == found.map(bfloat16))
    }
    let (given, rounded) = (
      try trial.parameterGradients(of: exact),
      try trial.parameterGradients(of: rounding, rounded: true)
    )
    #expect(worstDifference(rounded.weights, given.weights.map(Double.init)) < 2e-4)
    #expect(worstDifference(rounded.bias, given.bias.map(Double.init)) < 2e-4)
  }

  /// As the parts of larger blobs do; what is between them stays.
  @Test(arguments: try OneDNNConvolutionCase.all().filter { $0.algorithm == .direct })
  func outputsOfItemsMayLieApart(_ c: OneDNNConvolutionCase) throws {
    let geometry = try c.geometry.ofItems(4)
    let trial = ConvolutionTrial(geometry)
    let scratchpad = Scratchpad()
    let whole = try OneDNNConvolution(
      geometry, hasBias: true, fused: .relu(slope: 0.25), gradients: [], scratchpad: scratchpad)
    let itemwise = try ItemwiseConvolution(
      geometry, hasBias: true, fused: .relu(slope: 0.25), whole: whole.forward,
      scratchpad: scratchpad)
    let layout = whole.forward.outputLayout
    let (size, gap) = (layout.byteCount / 4, 64)
    let item = size / MemoryLayout<Float>.stride
    let source = PackedTensor(whole.forward.inputLayout, trial.input)
    var apart = [Float](repeating: 7, count: 4 * (item + gap))
    let result = PackedTensor(layout)
    apart.withUnsafeMutableBufferPointer { buffer in
      guard let output = buffer.baseAddress else { return }
      trial.weights.withUnsafeBufferPointer { weights in
        guard let weights = weights.baseAddress else { return }
        for _ in 0..<2 {
          itemwise.run(
            source.pointer, weights: weights, revision: 1, bias: trial.bias, into: output,
            stride: size + gap * MemoryLayout<Float>.stride)
        }
      }
      for index in 0..<4 {
        (result.floats + index * item).update(from: output + index * (item + gap), count: item)
      }
    }
    let expected = trial.naive.output(bias: trial.bias).map { $0 > 0 ? $0 : 0.25 * $0 }
    #expect(worstDifference(result.values(geometry.outputCount), expected) < tolerance(c))
    let gaps = (0..<4).flatMap { apart[($0 * (item + gap) + item)...].prefix(gap) }
    #expect(gaps.allSatisfy { $0 == 7 })
  }

  @Test func itemsThatThreadsCannotShareEvenlyAreRefused() throws {
    let count = Threads.count
    defer { Threads.setCount(count) }
    Threads.setCount(2)
    let geometry = try Self.small().ofItems(3)
    let scratchpad = Scratchpad()
    let whole = try OneDNNConvolution(geometry, hasBias: false, scratchpad: scratchpad)
    #expect(throws: EngineRefusal("3 items are not shared evenly by 2 threads")) {
      _ = try ItemwiseConvolution(
        geometry, hasBias: false, fused: .nothing, whole: whole.forward, scratchpad: scratchpad)
    }
  }

  /// In the processor's tiles, that is; with the ReLU behind it, and in inference too.
  @Test(
    .enabled(if: Machine.hasTiles, "the processor has no tiles for bfloat16"),
    arguments: [1, 2], [WeightedGradients.weights, []])
  func singleCellsAreRowsOfAMatrix(stride: Int, gradients: WeightedGradients) throws {
    let c = try OneDNNConvolutionCase(
      "", 2, 32, [9, 12], out: 48, kernel: [1, 1], stride: stride)
    let convolution = try OneDNNConvolution(
      c.geometry, hasBias: true, precision: .bfloat16, fused: .relu(slope: 0.25),
      gradients: gradients, input: .channelsLast, scratchpad: Scratchpad())
    #expect(convolution.forward.implementation.hasPrefix("brgemm:"))
    #expect(convolution.forward.inputLayout.extents == [2, 32, 9, 12])
    let trial = ConvolutionTrial(c.geometry, precision: .bfloat16)
    let expected = trial.naive.output(bias: trial.bias).map { $0 > 0 ? $0 : 0.25 * $0 }
    #expect(worstDifference(trial.output(of: convolution, bias: trial.bias), expected) < 2e-4)
    if gradients == .weights { try expectAddedGradients(trial, of: convolution) }
    let rounding = try OneDNNConvolution(
      c.geometry, hasBias: true, precision: .bfloat16, rounded: [.output, .inputGradient],
      input: .channelsLast, scratchpad: Scratchpad())
    #expect(rounding.forward.implementation.hasPrefix("brgemm:"))
    let output = trial.output(of: rounding, bias: trial.bias, rounded: true)
    #expect(worstDifference(output, trial.naive.output(bias: trial.bias), scale: 8) < 0x1p-8)
    let gradient = try trial.inputGradient(of: rounding, rounded: true)
    let expectedGradient = trial.naive.inputGradient(trial.multipliedGradient)
    #expect(worstDifference(gradient, expectedGradient, scale: 8) < 0x1p-8)
    let (found, given) = (
      try trial.parameterGradients(of: rounding, rounded: true),
      trial.naive.weightsGradient(trial.multipliedGradient)
    )
    #expect(worstDifference(found.weights, given) < 2e-4)
  }

  private static func small() throws -> ConvolutionGeometry {
    try OneDNNConvolutionCase("", 2, 20, [12, 10], out: 50, kernel: [5, 5]).geometry
  }

  @Test(arguments: ["plain", "channels last", "blocked"])
  func anInputOrderCanBeAskedFor(_ order: String) throws {
    let geometry = try Self.small()
    let scratchpad = Scratchpad()
    let blocked = try OneDNNConvolution(geometry, hasBias: false, scratchpad: scratchpad)
    let request: LayoutRequest =
      switch order {
      case "plain": .plain
      case "channels last": .channelsLast
      default: .same(blocked.forward.inputLayout)
      }
    let convolution = try OneDNNConvolution(
      geometry, hasBias: false, input: request, scratchpad: scratchpad)
    #expect("\(convolution.forward.inputLayout)".contains(order))
    let trial = ConvolutionTrial(geometry)
    #expect(
      worstDifference(trial.output(of: convolution, bias: nil), trial.naive.output(bias: nil))
        < 2e-4)
    let gradient = try trial.inputGradient(of: convolution)
    #expect(
      worstDifference(gradient, trial.naive.inputGradient(trial.outputGradient)) < 2e-4)
  }

  @Test func aFusedReLUKeepsItsNegativeSlope() throws {
    let trial = ConvolutionTrial(try Self.small())
    let convolution = try OneDNNConvolution(
      trial.geometry, hasBias: true, fused: .relu(slope: 0.25), gradients: [],
      scratchpad: Scratchpad())
    let expected = trial.naive.output(bias: trial.bias).map { $0 > 0 ? $0 : 0.25 * $0 }
    #expect(worstDifference(trial.output(of: convolution, bias: trial.bias), expected) < 2e-4)
    #expect(expected.contains { $0 < 0 })
  }

  @Test func parameterGradientsAreAdded() throws {
    let trial = ConvolutionTrial(try Self.small())
    try expectAddedGradients(
      trial, of: OneDNNConvolution(trial.geometry, hasBias: true, scratchpad: Scratchpad()))
  }

  private func expectAddedGradients(
    _ trial: ConvolutionTrial, of convolution: OneDNNConvolution
  ) throws {
    let weights = trial.naive.weightsGradient(trial.multipliedGradient)
    let bias = trial.naive.biasGradient(trial.multipliedGradient)
    let added = try trial.parameterGradients(of: convolution, start: 3)
    #expect(worstDifference(added.weights, weights.map { $0 + 3 }) < 2e-4)
    #expect(worstDifference(added.bias, bias.map { $0 + 3 }) < 2e-4)
    // What is said to be zero is not read.
    let put = try trial.parameterGradients(of: convolution, start: .nan, areZero: true)
    #expect(worstDifference(put.weights, weights) < 2e-4)
    #expect(worstDifference(put.bias, bias) < 2e-4)
  }

  @Test(.enabled(if: Machine.hasWinograd, "oneDNN's Winograd needs AVX-512"))
  func inferenceRunsTheCodeOfTraining() throws {
    let geometry = try ConvolutionGeometry(
      batch: 16, inputChannels: 64, outputChannels: 64, input: [56, 56], kernel: [3, 3],
      stride: [1, 1], pad: [1, 1], dilation: [1, 1])
    let blocked = try OneDNNConvolution(
      geometry, hasBias: true, algorithm: .direct, scratchpad: Scratchpad()
    ).forward.inputLayout
    func convolution(_ gradients: WeightedGradients) throws -> OneDNNConvolution {
      try OneDNNConvolution(
        geometry, hasBias: true, fused: .relu(slope: 0), gradients: gradients,
        input: .same(blocked),
        scratchpad: Scratchpad())
    }
    let (inference, training) = (try convolution([]), try convolution([.input, .weights]))
    #expect(inference.forward.implementation.contains("wino"))
    #expect(inference.forward.implementation == training.forward.implementation)
  }

  @Test func unchangedWeightsArePackedOnce() throws {
    let trial = ConvolutionTrial(try Self.small())
    let convolution = try OneDNNConvolution(
      trial.geometry, hasBias: false, gradients: [], scratchpad: Scratchpad())
    let input = PackedTensor(convolution.forward.inputLayout, trial.input)
    let output = PackedTensor(convolution.forward.outputLayout)
    let zeros = [Float](repeating: 0, count: trial.weights.count)
    func run(_ weights: [Float], revision: Int?) -> [Float] {
      convolution.forward.run(
        input.operand, weights: weights, revision: revision, bias: nil,
        into: output.pointer)
      return output.values(trial.geometry.outputCount)
    }
    #expect(!convolution.forward.givesWeightsBack)
    let first = run(trial.weights, revision: 1)
    #expect(first.contains { $0 != 0 })
    #expect(convolution.forward.givesWeightsBack)
    var back = zeros
    convolution.forward.giveBack(weights: &back)
    #expect(back == trial.weights)
    #expect(run(zeros, revision: 1) == first)  // the copy serves
    #expect(run(zeros, revision: 2).allSatisfy { $0 == 0 })
    #expect(run(trial.weights, revision: nil) == first)
    #expect(run(zeros, revision: nil).allSatisfy { $0 == 0 })
    #expect(!convolution.forward.givesWeightsBack, "nobody knows of which values that copy is")
    // The plain ones are not asked for where the copy serves.
    #expect(convolution.forward.keepsWeights)
    var asked = 0
    trial.weights.withUnsafeBufferPointer { plain in
      func weights() -> UnsafePointer<Float> {
        asked += 1
        return plain.baseAddress ?? UnsafePointer(output.floats)
      }
      for revision in [5, 5, 6] {
        convolution.forward.run(
          input.operand, weights: weights(), revision: revision, bias: nil, into: output.pointer)
      }
    }
    #expect(asked == 2)
  }

  @Test(arguments: [LayoutRequest.any, .channelsLast])
  func theGradientSeesTheWeightsOfTheLastForward(_ order: LayoutRequest) throws {
    let trial = ConvolutionTrial(try Self.small())
    let convolution = try OneDNNConvolution(
      trial.geometry, hasBias: false, input: order, scratchpad: Scratchpad())
    let pass = try #require(convolution.backwardData)
    let input = PackedTensor(convolution.forward.inputLayout, trial.input)
    let output = PackedTensor(convolution.forward.outputLayout)
    let outputGradient = PackedTensor(pass.outputGradientLayout, trial.outputGradient)
    let inputGradient = PackedTensor(pass.inputGradientLayout)
    func gradient(_ weights: [Float], revision: Int) -> [Float] {
      convolution.forward.run(
        input.operand, weights: weights, revision: revision, bias: nil, into: output.pointer)
      pass.run(
        outputGradient.operand, weights: weights, revision: revision,
        into: inputGradient.pointer)
      return inputGradient.values(trial.geometry.inputCount)
    }
    let first = gradient(trial.weights, revision: 1)
    #expect(gradient(trial.weights.map { 2 * $0 }, revision: 2) == first.map { 2 * $0 })
  }

  @Test(arguments: try OneDNNConvolutionCase.all())
  func repeatedRunsAreEqualBitByBit(_ c: OneDNNConvolutionCase) throws {
    let trial = ConvolutionTrial(c.geometry)
    func run() throws -> [[Float]] {
      let convolution = try OneDNNConvolution(
        c.geometry, hasBias: true, algorithm: c.algorithm, scratchpad: Scratchpad())
      let gradients = try trial.parameterGradients(of: convolution)
      return [
        trial.output(of: convolution, bias: trial.bias),
        try trial.inputGradient(of: convolution), gradients.weights, gradients.bias,
      ]
    }
    #expect(try run() == run())
  }

  @Test func refusalsAreSentences() throws {
    let fourAxes = try ConvolutionGeometry(
      batch: 1, inputChannels: 1, outputChannels: 1, input: [3, 3, 3, 3], kernel: [1, 1, 1, 1],
      stride: [1, 1, 1, 1], pad: [0, 0, 0, 0], dilation: [1, 1, 1, 1])
    #expect(
      refusal(fourAxes, .automatic)
        == "ONEDNN declined: it convolves over 1 to 3 spatial axes, not 4")
    let noWinograd = "ONEDNN declined: oneDNN does not implement this convolution"
    #expect(refusal(try Self.small(), .winograd) == noWinograd)
    let fitting = refusal(try OneDNNConvolutionCase.winograd().geometry, .winograd)
    #expect(fitting == (Machine.hasWinograd ? nil : noWinograd))
  }

  private func refusal(
    _ geometry: ConvolutionGeometry, _ algorithm: OneDNNConvolution.Algorithm
  ) -> String? {
    do {
      _ = try OneDNNConvolution(
        geometry, hasBias: true, algorithm: algorithm, scratchpad: Scratchpad())
      return nil
    } catch {
      return "\(error)"
    }
  }
}
