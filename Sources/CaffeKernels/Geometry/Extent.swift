import CaffeErrors

/// Extents that Caffe, oneDNN and our C loops hold in 32 bits.
package enum Extent {
  static let largest = Int(Int32.max)

  /// - Throws: one that is too large, called `name`.
  package static func check(_ extent: Int, _ name: String) throws {
    guard extent <= largest else {
      throw CaffeError("\(name) must be at most \(largest), got \(extent)")
    }
  }

  /// The extent of a spatial axis with its padding on both sides.
  ///
  /// - Throws: one that is too large, also for adding the pad to the stride, as oneDNN does.
  static func padded(_ input: Int, by pad: Int, stride: Int, axis: Int) throws -> Int {
    let padded = input + 2 * pad
    try check(padded, "the padded extent of spatial axis \(axis)")
    try check(pad + stride, "the sum of pad and stride of spatial axis \(axis)")
    return padded
  }

  /// - Throws: positive extents whose product, called `name`, is too large.
  static func check(productOf extents: [Int], _ name: String) throws {
    var room = largest
    for extent in extents { room /= extent }
    guard room > 0 else {
      let factors = extents.map(String.init).joined(separator: "x")
      throw CaffeError("\(name) must be at most \(largest), got \(factors)")
    }
  }
}
