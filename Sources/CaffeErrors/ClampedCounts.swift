/// Arithmetic on counts that are told to people and allocate nothing: the largest `Int` stands for
/// anything larger.
extension Int {
  package func clampedSum(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }

  /// Of what is not negative.
  package func clampedProduct(_ other: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }
}
