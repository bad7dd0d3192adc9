import CaffeCore
import CaffeErrors
import CaffeSchema

/// Where a net stands between two passes: what a snapshot must keep of it besides its parameters.
public struct NetProgress {
  /// Forward passes made.
  public var pass: UInt64
  /// What layers carry from pass to pass, of those that carry anything.
  public var carried: [Carried]

  /// The blobs of `Layer.carriedState`.
  public struct Carried {
    public let layer: String
    public let blobs: [BlobProto]

    public init(layer: String, blobs: [BlobProto]) {
      self.layer = layer
      self.blobs = blobs
    }
  }

  public init(pass: UInt64, carried: [Carried] = []) {
    self.pass = pass
    self.carried = carried
  }
}

extension Net {
  /// Where the net stands now; the values are copies.
  public var progress: NetProgress {
    NetProgress(
      pass: clock.pass,
      carried: layers.compactMap { layer in
        let blobs = layer.carriedState.map { BlobProto($0) }
        return blobs.isEmpty ? nil : NetProgress.Carried(layer: layer.name, blobs: blobs)
      })
  }

  /// Continues random numbers, data and what layers carry from pass to pass where `progress` was taken.
  ///
  /// A state that no longer fits its layer (another number of streams) is reported, and that layer
  /// begins as a new one.
  public func resume(at progress: NetProgress, report: (String) -> Void = { _ in }) throws {
    try seek(toPass: progress.pass)
    for carried in progress.carried {
      let targets = layer(carried.layer)?.carriedState ?? []
      let fits =
        targets.count == carried.blobs.count
        && zip(carried.blobs, targets).allSatisfy { $0.fits($1.shape) }
      guard fits else {
        report("The state that layer \(carried.layer) carried does not fit it now: it begins anew")
        continue
      }
      for (blob, target) in zip(carried.blobs, targets) {
        try withPlace("state of layer '\(carried.layer)'") { try blob.copyValues(to: target) }
      }
    }
  }
}
