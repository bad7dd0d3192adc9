import COneDNN

/// A convolution run by oneDNN, built once per geometry and run often.
///
/// - Input `[n, c, spatial…]`, output `[n, num_output, spatial'…]`; weights, bias and their
///   gradients plain, as the parameter store has them.
///
/// Each pass has layouts of its own; a gradient keeps those of the forward pass if oneDNN has fast
/// code for them. Runs on the same values and the same number of threads are equal bit by bit.
package final class OneDNNConvolution {
  package enum Algorithm: Hashable, Sendable {
    case direct
    /// Works on transformed tiles: fewer multiplications, larger rounding errors than `direct`.
    case winograd
    /// Winograd where oneDNN expects it to be faster.
    case automatic

    fileprivate var code: dnnl_alg_kind_t {
      switch self {
      case .direct: dnnl_convolution_direct
      case .winograd: dnnl_convolution_winograd
      case .automatic: dnnl_convolution_auto
      }
    }
  }

  /// The gradients a caller will ask for.
  package struct Gradients: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
    package static let input = Gradients(rawValue: 1)
    package static let weights = Gradients(rawValue: 2)
  }

  package let geometry: ConvolutionGeometry
  package let forward: Forward
  /// Present if `gradients` had `input`.
  package let backwardData: BackwardData?
  /// Present if `gradients` had `weights`.
  package let backwardWeights: BackwardWeights?

  /// - Parameters:
  ///   - fusedReLUSlope: applies a ReLU with this negative slope to the output; the gradients then
  ///     take the output's gradient *before* that ReLU.
  ///   - gradients: empty for inference.
  ///   - input: the order of the bottom; one or three channels do best in `any` or `plain`.
  ///   - output: the order of the top; channels-last if nothing else is said and the bottom is.
  /// - Throws: `EngineRefusal` if oneDNN cannot run one of the passes, or only slowly.
  package init(
    _ geometry: ConvolutionGeometry, hasBias: Bool, fusedReLUSlope: Float? = nil,
    algorithm: Algorithm = .automatic, gradients: Gradients = [.input, .weights],
    input: LayoutRequest = .any, output: LayoutRequest? = nil, scratchpad: Scratchpad
  ) throws {
    guard (1...3).contains(geometry.input.count) else {
      throw EngineRefusal("it convolves over 1 to 3 spatial axes, not \(geometry.input.count)")
    }
    self.geometry = geometry
    let descriptors = ConvolutionDescriptors(geometry, algorithm: algorithm.code, hasBias: hasBias)
    let chosen = try descriptors.forward(
      input: input.descriptor(descriptors.inputExtents),
      output: (output ?? input.companion).descriptor(descriptors.outputExtents),
      training: !gradients.isEmpty,
      attributes: Attributes(fused: fusedReLUSlope.map { .relu(slope: $0) } ?? .nothing))
    forward = try Forward(chosen, scratchpad: scratchpad)
    backwardData =
      gradients.contains(.input)
      ? try BackwardData(
        descriptors, forward: chosen, weights: forward.weights, scratchpad: scratchpad) : nil
    backwardWeights =
      gradients.contains(.weights)
      ? try BackwardWeights(descriptors, forward: chosen, scratchpad: scratchpad) : nil
  }
}

extension OneDNNConvolution {
  package final class Forward {
    package let inputLayout: OneDNNMemoryLayout
    package let outputLayout: OneDNNMemoryLayout
    package let implementation: String
    fileprivate let weights: PackedWeights
    private let primitive: Primitive
    private let scratchpad: Scratchpad
    private let scratch: Scratchpad.Region

    fileprivate init(_ chosen: PrimitiveDescriptor, scratchpad: Scratchpad) throws {
      primitive = try Primitive(chosen, arguments: [.input, .weights, .bias, .output])
      inputLayout = chosen.layout(.input)
      outputLayout = chosen.layout(.output)
      implementation = chosen.implementation
      weights = PackedWeights(layout: chosen.layout(.weights))
      self.scratchpad = scratchpad
      scratch = scratchpad.claim(chosen.byteCount(.scratchpad))
    }

    /// Overwrites `output`.
    ///
    /// - Parameters:
    ///   - weightsUnchanged: since the last run of this convolution: its copy serves again.
    ///   - bias: ignored if the convolution has none.
    package func run(
      _ input: UnsafeRawPointer, weights plain: UnsafePointer<Float>,
      weightsUnchanged: Bool = false, bias: UnsafePointer<Float>?,
      into output: UnsafeMutableRawPointer
    ) {
      primitive.bind(.input, input)
      primitive.bind(.weights, weights.read(plain, unchanged: weightsUnchanged))
      primitive.bind(.bias, bias)
      primitive.bind(.output, output)
      primitive.run(scratchpad: scratchpad.pointer(to: scratch))
    }
  }

  /// The gradient with respect to the bottom.
  package final class BackwardData {
    package let outputGradientLayout: OneDNNMemoryLayout
    package let inputGradientLayout: OneDNNMemoryLayout
    package let implementation: String
    private let weights: PackedWeights
    private let primitive: Primitive
    private let scratchpad: Scratchpad
    private let scratch: Scratchpad.Region

    fileprivate init(
      _ descriptors: ConvolutionDescriptors, forward: PrimitiveDescriptor, weights: PackedWeights,
      scratchpad: Scratchpad
    ) throws {
      let chosen = try descriptors.backwardData(of: forward)
      primitive = try Primitive(chosen, arguments: [.inputGradient, .weights, .outputGradient])
      outputGradientLayout = chosen.layout(.outputGradient)
      inputGradientLayout = chosen.layout(.inputGradient)
      implementation = chosen.implementation
      let layout = chosen.layout(.weights)
      self.weights = layout.isEqual(to: weights.layout) ? weights : PackedWeights(layout: layout)
      self.scratchpad = scratchpad
      scratch = scratchpad.claim(chosen.byteCount(.scratchpad))
    }

    /// Overwrites `inputGradient`.
    ///
    /// - Parameter weightsUnchanged: since the last run of this pass, or of `forward`.
    package func run(
      _ outputGradient: UnsafeRawPointer, weights plain: UnsafePointer<Float>,
      weightsUnchanged: Bool = false, into inputGradient: UnsafeMutableRawPointer
    ) {
      primitive.bind(.outputGradient, outputGradient)
      primitive.bind(.weights, weights.read(plain, unchanged: weightsUnchanged))
      primitive.bind(.inputGradient, inputGradient)
      primitive.run(scratchpad: scratchpad.pointer(to: scratch))
    }
  }

  /// The gradients with respect to the weights and the bias.
  package final class BackwardWeights {
    package let inputLayout: OneDNNMemoryLayout
    package let outputGradientLayout: OneDNNMemoryLayout
    package let implementation: String
    private let primitive: Primitive
    private let scratchpad: Scratchpad
    private let scratch: Scratchpad.Region
    private let weights: GradientAccumulator
    private let bias: GradientAccumulator?

    fileprivate init(
      _ descriptors: ConvolutionDescriptors, forward: PrimitiveDescriptor, scratchpad: Scratchpad
    ) throws {
      let chosen = try descriptors.backwardWeights(of: forward)
      primitive = try Primitive(
        chosen, arguments: [.input, .weightsGradient, .biasGradient, .outputGradient])
      inputLayout = chosen.layout(.input)
      outputGradientLayout = chosen.layout(.outputGradient)
      implementation = chosen.implementation
      let regions = scratchpad.claim(
        [.scratchpad, .weightsGradient, .biasGradient].map(chosen.byteCount))
      self.scratchpad = scratchpad
      scratch = regions[0]
      weights = try GradientAccumulator(
        layout: chosen.layout(.weightsGradient), region: regions[1], of: scratchpad)
      bias = try chosen.memory(.biasGradient).map {
        try GradientAccumulator(
          layout: OneDNNMemoryLayout($0), region: regions[2], of: scratchpad)
      }
    }

    /// Adds to the gradients.
    ///
    /// - Parameters:
    ///   - overwriting: replaces what the gradients held instead, which saves a pass over them.
    ///   - biasGradient: ignored if the convolution has no bias.
    package func run(
      _ input: UnsafeRawPointer, outputGradient: UnsafeRawPointer, overwriting: Bool = false,
      into weightsGradient: UnsafeMutablePointer<Float>,
      biasGradient: UnsafeMutablePointer<Float>?
    ) {
      primitive.bind(.input, input)
      primitive.bind(.outputGradient, outputGradient)
      primitive.bind(
        .weightsGradient, weights.target(for: weightsGradient, overwriting: overwriting))
      if let bias, let biasGradient {
        primitive.bind(.biasGradient, bias.target(for: biasGradient, overwriting: overwriting))
      }
      primitive.run(scratchpad: scratchpad.pointer(to: scratch))
      weights.finish(weightsGradient, overwriting: overwriting)
      if let bias, let biasGradient { bias.finish(biasGradient, overwriting: overwriting) }
    }
  }
}
