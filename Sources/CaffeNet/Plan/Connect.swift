import CaffeCore
import CaffeErrors
import CaffeSchema

extension NetPlan {
  /// Numbers the blobs and gives each layer the numbers of its bottoms and tops.
  ///
  /// A top that carries the name of the bottom at the same position is that bottom (in place), unless
  /// that would disturb a layer below: then it is a blob of its own. What nobody reads is an output of
  /// the net.
  ///
  /// - Throws: an unknown type, a wrong count of blobs, a blob made twice, a bad `loss_weight`.
  mutating func connect(
    _ net: NetParameter, catalog: LayerCatalog, report: (String) -> Void
  ) throws {
    var numbers: [String: Int] = [:]
    var unread: Set<String> = []
    for parameter in net.layer {
      try withPlace(Layer.place(of: parameter)) {
        let kind = try catalog.kind(parameter.type)
        let automatic = max(0, kind.automaticTops - parameter.top.count)
        try kind.check(bottoms: parameter.bottom.count, tops: parameter.top.count + automatic)
        let bottoms = try parameter.bottom.map { name in
          guard let number = numbers[name] else {
            throw CaffeError("Unknown bottom blob '\(name)'")
          }
          unread.remove(name)
          return number
        }
        var tops = try parameter.top.enumerated().map { position, name in
          unread.insert(name)
          guard position < bottoms.count, parameter.bottom[position] == name else {
            try checkIsNew(name, numbers)
            return newBlob(name, numbers: &numbers)
          }
          try checkInPlace(name, kind: kind)
          guard let other = blobs[bottoms[position]].use.disturbed(by: kind) else {
            return bottoms[position]
          }
          report("\(parameter.name) does not run in place: \(other.layer) \(other.reason)")
          return newBlob(name, numbers: &numbers)
        }
        for _ in 0..<automatic {
          blobs.append(PlannedBlob(name: "(automatic)"))
          tops.append(blobs.count - 1)
        }
        let planned = PlannedLayer(
          parameter: parameter, kind: kind, bottoms: bottoms, tops: tops,
          lossWeights: try lossWeights(parameter, kind: kind, tops: tops.count))
        let viewed = planned.isView ? blobs[bottoms[0]].use : nil
        for top in tops {
          blobs[top].makers.append(layers.count)
          blobs[top].use.note(planned, viewed: viewed)
        }
        layers.append(planned)
      }
    }
    for name in unread {
      if let number = numbers[name] { blobs[number].isOutput = true }
    }
  }

  private func checkInPlace(_ name: String, kind: LayerKind) throws {
    guard kind.runsInPlace else {
      throw CaffeError(
        "\(kind.type) Layer does not allow in-place computation; give its top another name than '\(name)'"
      )
    }
  }

  private func checkIsNew(_ name: String, _ numbers: [String: Int]) throws {
    guard let number = numbers[name] else { return }
    let maker = blobs[number].makers.last.map { layers[$0].parameter.name } ?? ""
    throw CaffeError(
      "Top blob '\(name)' produced by multiple sources: layer '\(maker)' makes it already.")
  }

  private mutating func newBlob(_ name: String, numbers: inout [String: Int]) -> Int {
    blobs.append(PlannedBlob(name: name))
    numbers[name] = blobs.count - 1
    return blobs.count - 1
  }

  private func lossWeights(
    _ parameter: LayerParameter, kind: LayerKind, tops: Int
  ) throws -> [Float] {
    let given = parameter.lossWeight
    guard given.isEmpty || given.count == parameter.top.count || given.count == tops else {
      throw CaffeError(
        "loss_weight must be unspecified or specified once per top blob: \(given.count) given, \(tops) tops"
      )
    }
    let defaults = (0..<tops).map { $0 == 0 && kind.isLoss ? Float(1) : 0 }
    return given + defaults.dropFirst(given.count)
  }
}
