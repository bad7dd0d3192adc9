import CaffeTestSupport

/// A net of layers that are fused with one another where nobody can look, put together at random: modules
/// of branches, residual blocks, views, losses in between. The same for the same seed.
struct RandomNet {
  private struct Blob {
    let name: String
    let channels: Int
    let height: Int
    let width: Int
  }

  private var random: TestRandom
  private var layers: [String] = []
  private var blobs: [Blob]
  private var unread: Set<String> = []
  /// Of each blob, the place of the layer that writes it last.
  private var lastWriters: [String: Int] = [:]
  private var count = 0

  /// The net as text; its only input, `x`, has `items` items.
  let items: Int
  var text: String { layers.joined(separator: "\n") }

  init(seed: UInt64) {
    random = TestRandom(seed: seed)
    items = [2, 4, 5].randomElement(using: &random) ?? 2
    let channels = [3, 16].randomElement(using: &random) ?? 3
    blobs = [Blob(name: "x", channels: channels, height: 9, width: 8)]
    layers = [
      """
      layer { name: "in" type: "Input" top: "x" input_param {
        shape { dim: \(items) dim: \(channels) dim: 9 dim: 8 } } }
      """
    ]
    blobs = [convolution(blobs[0], channels: 16, kernel: 3)]
    for _ in 0..<5 { blobs.append(step(from: anyBlob())) }
    for blob in blobs where unread.contains(blob.name) { end(blob) }
    for writer in lastWriters.values.sorted() where chance(0.06) {
      layers[writer].removeLast()
      layers[writer] += "loss_weight: 0.01 }"
    }
  }

  private mutating func chance(_ share: Float) -> Bool { random.uniform(0, 1) < share }

  private mutating func anyBlob() -> Blob {
    // The last ones more often: a chain, with some branches.
    chance(0.6) ? blobs[blobs.count - 1] : blobs.randomElement(using: &random) ?? blobs[0]
  }

  private mutating func step(from blob: Blob) -> Blob {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: inPlace(convolution(blob))
    case 1: pooling(inPlace(convolution(blob)))
    case 2, 3: module(blob)
    case 4: residual(blob)
    case 5: view(blob)
    case 6: convolution(inPlace(convolution(blob, kernel: 3)), kernel: 3)
    default: single(blob)
    }
  }

  // MARK: - Layers

  /// - Parameter blob: with a name for the top, or of the bottom to run in place.
  private mutating func add(
    _ type: String, _ bottoms: [Blob], _ blob: Blob, _ settings: String = ""
  ) -> Blob {
    count += 1
    let names = bottoms.map { #"bottom: "\#($0.name)""# }.joined(separator: " ")
    layers.append(
      #"layer { name: "l\#(count)" type: "\#(type)" \#(names) top: "\#(blob.name)" \#(settings) }"#
    )
    lastWriters[blob.name] = layers.count - 1
    unread.subtract(bottoms.map(\.name))
    unread.insert(blob.name)
    return blob
  }

  private func new(_ channels: Int, _ height: Int, _ width: Int) -> Blob {
    Blob(name: "b\(count)", channels: channels, height: height, width: width)
  }

  private mutating func convolution(
    _ blob: Blob, channels: Int? = nil, kernel: Int? = nil
  ) -> Blob {
    let channels = channels ?? [16, 16, 32, 48, 20, 5].randomElement(using: &random) ?? 16
    let kernel = kernel ?? [1, 1, 3, 5].randomElement(using: &random) ?? 1
    let rate = chance(0.15) ? "param { lr_mult: 0 } param { lr_mult: 0 }" : ""
    return add(
      "Convolution", [blob], new(channels, blob.height, blob.width),
      """
      \(rate) convolution_param { num_output: \(channels) kernel_size: \(kernel) pad: \(kernel / 2)
        weight_filler { type: "xavier" } bias_filler { type: "gaussian" std: 0.1 } }
      """)
  }

  /// What usually stands behind a convolution, all in place.
  private mutating func inPlace(_ blob: Blob) -> Blob {
    if chance(0.3) {
      _ = add("BatchNorm", [blob], blob)
      if chance(0.7) { _ = add("Scale", [blob], blob, "scale_param { bias_term: true }") }
    }
    if chance(0.8) {
      let slope = chance(0.2) ? 0.1 : 0
      _ = add("ReLU", [blob], blob, "relu_param { negative_slope: \(slope) }")
    }
    return blob
  }

  private mutating func pooling(_ blob: Blob) -> Blob {
    let method = chance(0.7) ? "MAX" : "AVE"
    guard blob.height > 3, blob.width > 3, chance(0.6) else {
      return add(
        "Pooling", [blob], new(blob.channels, blob.height, blob.width),
        "pooling_param { pool: \(method) kernel_size: 3 stride: 1 pad: 1 }")
    }
    return add(
      "Pooling", [blob], new(blob.channels, (blob.height + 1) / 2, (blob.width + 1) / 2),
      "pooling_param { pool: \(method) kernel_size: 2 stride: 2 }")
  }

  /// Branches that a Concat joins.
  private mutating func module(_ blob: Blob) -> Blob {
    var branches = (0..<Int.random(in: 2...3, using: &random)).map { _ in
      inPlace(
        convolution(blob, channels: chance(0.8) ? [16, 32].randomElement(using: &random) : nil))
    }
    if chance(0.2) { branches.append(blob) }
    let channels = branches.reduce(0) { $0 + $1.channels }
    let joined = add("Concat", branches, new(channels, blob.height, blob.width))
    return chance(0.2) ? inPlace(joined) : joined
  }

  private mutating func residual(_ blob: Blob) -> Blob {
    let branch = inPlace(convolution(inPlace(convolution(blob)), channels: blob.channels))
    let settings =
      chance(0.8)
      ? "" : "eltwise_param { operation: \(chance(0.5) ? "MAX" : "SUM coeff: 1 coeff: -0.5") }"
    let sum = add(
      "Eltwise", [branch, blob], new(blob.channels, blob.height, blob.width), settings)
    return chance(0.7) ? add("ReLU", [sum], sum) : sum
  }

  /// The same values under another shape.
  private mutating func view(_ blob: Blob) -> Blob {
    guard blob.channels % 4 == 0 else { return single(blob) }
    let view = add(
      "Reshape", [blob], new(blob.channels / 4, 4 * blob.height, blob.width),
      "reshape_param { shape { dim: 0 dim: \(blob.channels / 4) dim: -1 dim: \(blob.width) } }")
    guard chance(0.4), let type = ["Sigmoid", "ReLU", "Power"].randomElement(using: &random) else {
      return view
    }
    return add(type, [view], view)
  }

  private mutating func single(_ blob: Blob) -> Blob {
    let (type, settings) =
      [
        ("LRN", "lrn_param { alpha: 0.5 }"), ("Sigmoid", ""), ("PReLU", ""), ("Power", ""),
        ("Dropout", ""),
        (
          "Deconvolution",
          "convolution_param { num_output: \(blob.channels) kernel_size: 1 "
            + #"weight_filler { type: "xavier" } }"#
        ),
      ].randomElement(using: &random) ?? ("TanH", "")
    return add(type, [blob], new(blob.channels, blob.height, blob.width), settings)
  }

  /// A term of the objective, or an output of the net.
  private mutating func end(_ blob: Blob) {
    guard chance(0.8) else { return }
    let mean = add(
      "Pooling", [blob], new(blob.channels, 1, 1),
      "pooling_param { pool: AVE global_pooling: true }")
    count += 1
    layers.append(
      """
      layer { name: "l\(count)" type: "Reduction" bottom: "\(mean.name)" top: "loss\(count)"
        loss_weight: 1 reduction_param { operation: SUMSQ } }
      """)
  }
}
