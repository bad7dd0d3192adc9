/// Adds a gradient in the layout a primitive chose to one in plain order, or writes it there.
///
/// Caffe adds the gradients of all iterations of an `iter_size` and of all layers that share a
/// parameter, so adding is the rule; oneDNN always overwrites.
final class GradientAccumulator {
  let layout: OneDNNMemoryLayout
  private let add: Reorder
  private let region: Scratchpad.Region
  private let scratchpad: Scratchpad

  /// - Parameter region: `layout.byteCount` bytes of the scratchpad.
  init(layout: OneDNNMemoryLayout, region: Scratchpad.Region, of scratchpad: Scratchpad) throws {
    self.layout = layout
    self.region = region
    self.scratchpad = scratchpad
    let plain = try MemoryDescriptor(layout.descriptor.extents, .plain)
    add = try Reorder(from: layout.descriptor, to: plain, accumulating: true)
  }

  /// Where the primitive is to write.
  ///
  /// - Parameter gradient: nil if nobody wants it; the primitive writes it all the same.
  func target(
    for gradient: UnsafeMutablePointer<Float>?, overwriting: Bool
  ) -> UnsafeMutableRawPointer? {
    if overwriting, layout.isPlain, let gradient { return UnsafeMutableRawPointer(gradient) }
    return scratchpad.pointer(to: region)
  }

  /// Takes what the primitive has written to `target`.
  func finish(_ gradient: UnsafeMutablePointer<Float>?, overwriting: Bool) {
    guard let gradient, let written = target(for: gradient, overwriting: overwriting),
      written != UnsafeMutableRawPointer(gradient)
    else { return }
    if overwriting {
      layout.unpack(written, into: gradient)
    } else {
      add.run(written, into: UnsafeMutableRawPointer(gradient))
    }
  }
}
