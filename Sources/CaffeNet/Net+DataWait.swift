import CaffeCore
import CaffeData

extension Net {
  /// How long forward passes have waited for their data altogether; nil without a layer that reads data.
  package var waitedForData: Duration? {
    let layers = layers.compactMap { $0 as? any DataWaiting }
    return layers.isEmpty ? nil : layers.reduce(.zero) { $0 + $1.waited }
  }
}
