import CaffeErrors

/// Which pixels around a window become the crop of `size × size`, and where in it they lie.
///
/// Without context and not square, the window itself is warped to fill the crop. Otherwise it is
/// first made square about its centre (`crop_mode: "square"`) and widened, so that after warping
/// `context_pad` pixels of surroundings lie on each side. What falls outside of the image stays
/// empty.
///
/// Source: BVLC Caffe, `window_data_layer.cpp`.
struct WindowCrop: Sendable {
  let size: Int
  let contextPad: Int
  let isSquare: Bool

  /// One axis of a crop.
  struct Span: Equatable {
    /// Which pixels of the image.
    var source: Range<Int>
    /// How many pixels they are warped to; 0 if less than half of one.
    var count: Int
    /// How many empty pixels of the crop come before and after them.
    var before = 0
    var after = 0
  }

  /// - Throws: if the window, or all that it grows to, lies outside of the image.
  func spans(
    of window: WindowFile.Window, height: Int, width: Int
  ) throws -> (rows: Span, columns: Span) {
    let (left, right) = (Int(window.left), Int(window.right))
    let (top, bottom) = (Int(window.top), Int(window.bottom))
    guard contextPad > 0 || isSquare else {
      guard left >= 0, top >= 0, right < width, bottom < height else {
        throw outside(window, height, width)
      }
      return (
        Span(source: top..<bottom + 1, count: size), Span(source: left..<right + 1, count: size)
      )
    }
    var halfHeight = Float(bottom - top + 1) / 2
    var halfWidth = Float(right - left + 1) / 2
    let center = (y: Float(top) + halfHeight, x: Float(left) + halfWidth)
    if isSquare {
      halfHeight = max(halfHeight, halfWidth)
      halfWidth = halfHeight
    }
    guard let rows = span(center: center.y, half: halfHeight, limit: height),
      let columns = span(center: center.x, half: halfWidth, limit: width)
    else { throw outside(window, height, width) }
    return (rows, columns)
  }

  /// The part of `center ± half`, widened by the context, that is inside of `0..<limit`.
  private func span(center: Float, half: Float, limit: Int) -> Span? {
    let reach = half * (Float(size) / Float(size - 2 * contextPad))
    let first = Int((center - reach).rounded())
    let last = Int((center + reach).rounded())
    let before = max(0, -first)
    let after = max(0, last - limit + 1)
    guard first + before <= last - after else { return nil }
    let source = first + before..<last - after + 1
    let warp = Float(size) / Float(last - first + 1)
    func warped(_ count: Int) -> Int { Int((Float(count) * warp).rounded()) }
    return Span(
      source: source, count: warped(source.count), before: warped(before), after: warped(after))
  }

  private func outside(_ window: WindowFile.Window, _ height: Int, _ width: Int) -> CaffeError {
    CaffeError(
      "the window \(window.left) \(window.top) \(window.right) \(window.bottom) (x1 y1 x2 y2) "
        + "lies outside of the image of \(height) rows and \(width) columns")
  }
}
