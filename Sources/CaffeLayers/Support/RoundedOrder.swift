import CaffeCore
import CaffeKernels

/// An order of values, and the same order of the values rounded to bfloat16: what the layer that made them
/// may hand to one that would round them, where nobody else reads them.
struct RoundedOrder {
  let exact: OneDNNMemoryLayout
  let rounded: OneDNNMemoryLayout

  /// The rounded order if the values would be written in the exact one.
  func rounding(_ order: (any PackedLayout)?) -> OneDNNMemoryLayout? {
    order.flatMap { $0.isEqual(to: exact) ? rounded : nil }
  }
}
