import CaffeCore
import CaffeKernels

/// The top of a Concat as the place where Convolutions write its bottoms, so that nothing is copied.
///
/// Only where nobody can look: the bottoms themselves have no values then.
struct JoinedPlaces {
  private let order: JoinedBlobs.Order
  private let places: [JoinedPlace]

  /// Has the Convolutions write there from now on, until one of them is prepared again.
  ///
  /// - Returns: `nil` unless each bottom is made by a Convolution, and all that happens in place on it, both
  ///   ways, is done by that or by the Concat. The top changes its shape only if they do, then.
  /// - Throws: `EngineRefusal` if a Convolution cannot write there, or only slowly.
  init?(of concat: Layer, in order: JoinedBlobs.Order) throws {
    let convolutions = concat.makers.indices.compactMap {
      Self.convolution(thatAloneMakes: $0, of: concat)
    }
    let places = order.parts.compactMap {
      JoinedPlace($0, of: order, in: concat.top[0].data)
    }
    guard convolutions.count == concat.bottom.count, places.count == concat.bottom.count else {
      return nil
    }
    let joinings = try zip(convolutions, places).map { try $0.joining($1) }
    for joining in joinings { joining() }
    self.order = order
    self.places = places
  }

  private static func convolution(
    thatAloneMakes index: Int, of concat: Layer
  ) -> ConvolutionLayer? {
    let makers = concat.makers[index].map(\.layer)
    guard let convolution = makers.first as? ConvolutionLayer,
      makers.dropFirst().allSatisfy({
        $0.host(of: .forward) === convolution
          && (!concat.propagateDown[index] || $0.host(of: .backward) === concat)
      })
    else { return nil }
    return convolution
  }

  /// Copies what has not been written to its place since this was last called.
  func complete(_ joined: JoinedBlobs, of bottoms: [Blob], into top: Blob) {
    let missing = zip(bottoms, places).map { $1.wasWritten() ? nil : $0.data }
    guard missing.contains(where: { $0 != nil }) else { return }
    joined.join(missing, in: order, into: top.data)
  }
}

/// The place of one bottom.
final class JoinedPlace {
  /// In which order it is written.
  let layout: any PackedLayout
  /// Floats from one item to the next.
  let stride: Int
  private let whole: Tensor
  private let order: any PackedLayout
  private let offset: Int
  private var isWritten = false

  /// - Returns: `nil` if the values of an item do not lie side by side.
  fileprivate init?(_ part: JoinedBlobs.Part, of order: JoinedBlobs.Order, in whole: Tensor) {
    guard let layout = part.layout, let wholeLayout = order.layout, order.rows == whole.shape[0]
    else { return nil }
    self.layout = layout
    self.order = wholeLayout
    self.whole = whole
    stride = order.stride
    offset = part.offset
  }

  /// Room for the values of all items.
  func overwrite() -> UnsafeMutablePointer<Float> {
    isWritten = true
    return whole.overwrite(in: order) + offset
  }

  fileprivate func wasWritten() -> Bool {
    defer { isWritten = false }
    return isWritten
  }
}
