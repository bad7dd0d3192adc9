import CaffeCore
import CaffeErrors
import CaffeSchema

/// A learnable blob of a net, with what the solver must know of it.
public struct NetParameterBlob {
  public let blob: Blob
  /// Where its values are in the net's `ParameterStore`; `nil` if another net owns them.
  public let segment: ParameterStore.Segment?
  public let learningRateMultiplier: Float
  public let decayMultiplier: Float
  /// The layer that owns it.
  public let layer: String
  /// Its `param { name }`, or its number within the layer.
  public let displayName: String
}

/// The learnable blobs of a plan, given memory and first values.
///
/// Values come from the net they are shared with, from `blobs` in the layer's definition, or from
/// the filler, in this order.
struct BoundParameters {
  let store: ParameterStore
  let blobs: [Blob]
  let parameters: [NetParameterBlob]

  init(_ plan: NetPlan, sharing: Net?, seed: UInt64) throws {
    let shared = try plan.parameters.map { try BoundParameters.blob(for: $0, plan, in: sharing) }
    let owned = plan.parameters.indices.filter { shared[$0] == nil }
    store = try ParameterStore(
      owned.map { number in
        let parameter = plan.parameters[number]
        return (parameter.displayName, parameter.declaration.shape)
      })
    let places = Dictionary(uniqueKeysWithValues: zip(owned, store.segments.indices))
    let store = store
    blobs = plan.parameters.indices.compactMap { number in
      shared[number] ?? places[number].map { store.blobs[$0] }
    }
    let blobs = blobs
    parameters = zip(plan.parameters, blobs).enumerated().map { number, pair in
      let (parameter, blob) = pair
      return NetParameterBlob(
        blob: blob, segment: places[number].map { store.segments[$0] },
        learningRateMultiplier: parameter.learningRateMultiplier ?? 1,
        decayMultiplier: parameter.decayMultiplier ?? 1,
        layer: plan.layers[parameter.owner.layer].parameter.name,
        displayName: parameter.displayName)
    }
    for number in owned {
      try BoundParameters.fill(blobs[number], plan.parameters[number], plan, seed: seed)
    }
  }

  private static func blob(
    for parameter: PlannedParameter, _ plan: NetPlan, in net: Net?
  ) throws -> Blob? {
    let name = plan.layers[parameter.owner.layer].parameter.name
    guard let layer = net?.layer(name), parameter.owner.index < layer.parameters.count else {
      return nil
    }
    let blob = layer.parameters[parameter.owner.index]
    guard blob.shape == parameter.declaration.shape else {
      throw CaffeError(
        "Cannot share param \(parameter.owner.index) weights from layer '\(name)'; shape mismatch.  "
          + "Source param shape is \(blob.shape); target param shape is \(parameter.declaration.shape)"
      )
    }
    return blob
  }

  private static func fill(
    _ blob: Blob, _ parameter: PlannedParameter, _ plan: NetPlan, seed: UInt64
  ) throws {
    let layer = plan.layers[parameter.owner.layer]
    let given = layer.parameter.blobs
    try withPlace(layer.place) {
      if given.isEmpty {
        let filler = try Filler(parameter.declaration.filler, shape: blob.shape)
        let stream = "\(layer.parameter.name)/\(parameter.owner.index)"
        filler.fill(blob.data, seed: seed, stream: stream)
      } else {
        guard given.count == layer.declarations.count else {
          throw CaffeError(
            "Incompatible number of blobs: \(given.count) given, \(layer.declarations.count) needed"
          )
        }
        try given[parameter.owner.index].copyValues(to: blob.data)
      }
    }
  }
}
