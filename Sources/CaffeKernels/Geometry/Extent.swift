import CaffeErrors

/// Extents that Caffe, oneDNN and our C loops hold in 32 bits.
enum Extent {
  static let largest = Int(Int32.max)

  /// - Throws: one that is too large, called `name`.
  static func check(_ extent: Int, _ name: String) throws {
    guard extent <= largest else {
      throw CaffeError("\(name) must be at most \(largest), got \(extent)")
    }
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
