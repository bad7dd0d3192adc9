/// Adds a gradient in the layout a primitive chose to one in plain order, or writes it there.
///
/// Caffe adds the gradients of all iterations of an `iter_size` and of all layers that share a
/// parameter; oneDNN always overwrites.
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
  func target(for gradient: GradientTarget?) -> UnsafeMutableRawPointer? {
    if let gradient, gradient.isFresh, layout.isPlain {
      return UnsafeMutableRawPointer(gradient.values)
    }
    return scratchpad.pointer(to: region)
  }

  /// Takes what the primitive has written to `target`.
  func finish(_ gradient: GradientTarget?) {
    guard let gradient, let written = target(for: gradient),
      written != UnsafeMutableRawPointer(gradient.values)
    else { return }
    if gradient.isFresh {
      layout.unpack(written, into: gradient.values)
    } else {
      add.run(written, into: UnsafeMutableRawPointer(gradient.values))
    }
  }
}
