/// The results of an operation in bfloat16 that are bfloat16 too, where their reader would round them; all
/// others are float32.
package struct RoundedResults: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }
  package static let output = RoundedResults(rawValue: 1)
  package static let inputGradient = RoundedResults(rawValue: 2)

  func precision(of result: RoundedResults) -> Precision {
    contains(result) ? .bfloat16 : .float32
  }
}
