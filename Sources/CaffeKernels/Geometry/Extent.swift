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

  /// The product of positive extents.
  ///
  /// - Throws: a product that is too large, called `name`.
  static func product(_ extents: [Int], _ name: String) throws -> Int {
    try extents.reduce(1) { product, extent in
      let (next, overflows) = product.multipliedReportingOverflow(by: extent)
      guard !overflows, next <= largest else {
        let factors = extents.map(String.init).joined(separator: "x")
        throw CaffeError("\(name) must be at most \(largest), got \(factors)")
      }
      return next
    }
  }
}
