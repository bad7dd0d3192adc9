import COneDNN

/// A maximum or a mean over moving windows run by oneDNN, built once per geometry and run often.
///
/// - Input `[n, c, spatial…]` in the layout asked for, output `[n, c, spatial'…]` in
///   `outputLayout`, which is the same order.
///
/// Agrees with Caffe where oneDNN by itself would not: a mean divides by the window clipped to the
/// bottom and its pad, also for a last window that overhangs. A tie in a maximum sends the gradient
/// to the first cell.
package final class OneDNNPooling {
  package enum Method: Hashable, Sendable { case maximum, average }

  package let geometry: PoolingGeometry
  package let inputLayout: OneDNNMemoryLayout
  package let outputLayout: OneDNNMemoryLayout
  /// oneDNN's name of the code it chose.
  package let implementation: String
  private let forwardPass: Primitive
  private let backwardPass: Primitive?
  private let overhang: OverhangCorrection?
  private let workspace: AlignedBuffer?
  private let scratchpad: Scratchpad
  private let scratch: Scratchpad.Region
  private let corrected: Scratchpad.Region

  /// - Parameters:
  ///   - training: `backward` will be called; a maximum then remembers where it was found.
  ///   - input: the bottom's layout; oneDNN is fastest in those of its convolutions.
  /// - Throws: `EngineRefusal` if oneDNN cannot run one of the passes, or only slowly.
  package init(
    _ geometry: PoolingGeometry, method: Method, training: Bool, input: OneDNNMemoryLayout,
    scratchpad: Scratchpad
  ) throws {
    let descriptors = try PoolingDescriptors(geometry, method: method)
    let forward = try descriptors.forward(input: input.descriptor, training: training)
    let backward = training ? try descriptors.backward(of: forward) : nil
    self.geometry = geometry
    self.scratchpad = scratchpad
    inputLayout = input
    outputLayout = forward.layout(.output)
    implementation = forward.implementation
    overhang =
      method == .average ? try OverhangCorrection(geometry, layout: outputLayout.descriptor) : nil
    forwardPass = try Primitive(forward, arguments: [.input, .output, .workspace])
    backwardPass = try backward.map {
      try Primitive($0, arguments: [.outputGradient, .inputGradient, .workspace])
    }
    let bytes = forward.byteCount(.workspace)
    workspace = bytes > 0 ? AlignedBuffer(byteCount: bytes) : nil
    let regions = scratchpad.claim([
      max(forward.byteCount(.scratchpad), backward?.byteCount(.scratchpad) ?? 0),
      overhang != nil && training ? outputLayout.byteCount : 0,
    ])
    (scratch, corrected) = (regions[0], regions[1])
  }

  /// Overwrites `output`.
  package func forward(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer) {
    forwardPass.bind(.input, input)
    forwardPass.bind(.output, output)
    forwardPass.bind(.workspace, workspace?.pointer)
    forwardPass.run(scratchpad: scratchpad.pointer(to: scratch))
    overhang?.apply(to: output)
  }

  /// Overwrites `inputGradient`; a maximum's cells are those of the last `forward`.
  ///
  /// - Precondition: built for training.
  package func backward(
    _ outputGradient: UnsafeRawPointer, into inputGradient: UnsafeMutableRawPointer
  ) {
    guard let backwardPass else { preconditionFailure("this pooling was built for inference") }
    backwardPass.bind(.outputGradient, withOverhangCorrected(outputGradient))
    backwardPass.bind(.inputGradient, inputGradient)
    backwardPass.bind(.workspace, workspace?.pointer)
    backwardPass.run(scratchpad: scratchpad.pointer(to: scratch))
  }

  private func withOverhangCorrected(_ gradient: UnsafeRawPointer) -> UnsafeRawPointer {
    guard let overhang, let copy = scratchpad.pointer(to: corrected) else { return gradient }
    copy.copyMemory(from: gradient, byteCount: outputLayout.byteCount)
    overhang.apply(to: copy)
    return UnsafeRawPointer(copy)
  }
}
