/// What `caffe-swift layers` says of a layer type, besides what the schema and its `LayerKind` tell.
public struct LayerDocumentation: Sendable {
  /// What the layer does, in one line without a full stop.
  public let summary: String
  /// What it computes, such as `y = max(x, 0)`; empty if the summary says it all.
  public let formula: String
  /// The fields of `LayerParameter` with its settings, such as `pooling_param`.
  public let parameterFields: [String]
  /// Where BVLC Caffe computes the same, such as `pooling_layer.cpp`.
  public let source: String

  public init(
    _ summary: String, formula: String = "", parameterFields: [String] = [], source: String
  ) {
    self.summary = summary
    self.formula = formula
    self.parameterFields = parameterFields
    self.source = source
  }
}
