import CaffeErrors
import CaffeSchema

extension NetParameter {
  /// The net with a `Split` layer after every top that several layers read, so that each reader has
  /// a blob of its own to put a gradient into. A non-zero `loss_weight` counts as a reader and moves
  /// to the split's first top.
  ///
  /// - Throws: when a bottom is not the top of any layer before it.
  ///
  /// Source: BVLC Caffe, `util/insert_splits.cpp` (the names of layers and blobs included, since
  /// snapshots store them).
  public func insertingSplits() throws -> NetParameter {
    let described = layer
    let readers = try countReaders(described)
    var producers: [String: Top] = [:]
    var used: [Top: Int] = [:]
    var whole: [LayerParameter] = []
    for (index, layer) in described.enumerated() {
      var renamed = layer
      renamed.bottom = layer.bottom.map { blob in
        guard let top = producers[blob], readers[top, default: 0] > 1 else { return blob }
        defer { used[top, default: 0] += 1 }
        let split = splitLayer(blob, of: described[top.layer], top.number)
        return splitBlob(split, used[top, default: 0])
      }
      var splits: [LayerParameter] = []
      for (number, blob) in layer.top.enumerated() {
        let top = Top(layer: index, number: number)
        producers[blob] = top
        guard let count = readers[top], count > 1 else { continue }
        let weight = number < layer.lossWeight.count ? layer.lossWeight[number] : 0
        if weight != 0 {
          renamed.lossWeight[number] = 0
          used[top] = 1
        }
        let name = splitLayer(blob, of: layer, number)
        splits.append(split(blob, name, phase: layer.phase, ways: count, lossWeight: weight))
      }
      whole.append(renamed)
      whole += splits
    }
    var net = self
    net.layer = whole
    return net
  }

  private struct Top: Hashable {
    let layer: Int
    let number: Int
  }

  /// What to say of each bottom that no layer before it makes.
  package func unknownBottoms() -> [(layer: Int, mistake: CaffeError)] {
    var made: Set<String> = []
    let described = layer
    return described.enumerated().flatMap { index, layer in
      defer { made.formUnion(layer.top) }
      return layer.bottom.enumerated().filter { !made.contains($0.element) }.map { number, blob in
        (layer: index, mistake: unknownBottom(blob, number, of: index, in: described))
      }
    }
  }

  private func countReaders(_ layers: [LayerParameter]) throws -> [Top: Int] {
    var readers: [Top: Int] = [:]
    var producers: [String: Top] = [:]
    for (index, layer) in layers.enumerated() {
      for (number, blob) in layer.bottom.enumerated() {
        guard let top = producers[blob] else {
          throw unknownBottom(blob, number, of: index, in: layers)
        }
        readers[top, default: 0] += 1
      }
      for (number, blob) in layer.top.enumerated() {
        let top = Top(layer: index, number: number)
        producers[blob] = top
        if number < layer.lossWeight.count, layer.lossWeight[number] != 0 {
          readers[top, default: 0] += 1
        }
      }
    }
    return readers
  }

  private func unknownBottom(
    _ blob: String, _ number: Int, of index: Int, in layers: [LayerParameter]
  ) -> CaffeError {
    let reader = layers[index]
    let later = layers[(index + 1)...].first { $0.top.contains(blob) }
    let hint =
      if let later {
        "; layer '\(later.name)' makes it, but stands later in the net"
      } else {
        NearestName.of(blob, among: layers[..<index].flatMap(\.top))
          .map { "; did you mean '\($0)'?" } ?? ""
      }
    let line = reader.location.map { ", line \($0.line)" } ?? ""
    return CaffeError(
      "Unknown bottom blob '\(blob)' (layer '\(reader.name)', bottom index \(number)\(line))\(hint)"
    )
  }

  private func splitLayer(_ blob: String, of maker: LayerParameter, _ number: Int) -> String {
    "\(blob)_\(maker.name)_\(number)_split"
  }

  private func splitBlob(_ layer: String, _ number: Int) -> String { "\(layer)_\(number)" }

  private func split(
    _ blob: String, _ name: String, phase: Phase, ways: Int, lossWeight: Float
  ) -> LayerParameter {
    var split = LayerParameter()
    split.name = name
    split.type = "Split"
    split.bottom = [blob]
    split.top = (0..<ways).map { splitBlob(name, $0) }
    split.phase = phase
    if lossWeight != 0 { split.lossWeight = [lossWeight] + Array(repeating: 0, count: ways - 1) }
    return split
  }
}
