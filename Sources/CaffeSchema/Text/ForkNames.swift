/// Field names that public prototxts use and that only forks of Caffe define.
enum ForkNames {
  /// The forks that define `name` in `message`, in words, or nil.
  static func origin(of name: String, in message: String) -> String? {
    byMessage[message]?[name]
  }

  private static let ssd = "the SSD fork (weiliu89)"
  private static let fastRCNN = "Fast R-CNN (rbgirshick)"
  private static let intel = "intel/caffe"
  private static let nvidia = "NVIDIA/caffe"

  private static let byMessage: [String: [String: String]] = [
    "LayerParameter": [
      "roi_pooling_param": fastRCNN,
      "smooth_l1_loss_param": fastRCNN,
      "psroi_pooling_param": "R-FCN",
      "upsample_param": "SegNet and YOLO forks",
      "norm_param": ssd,
      "permute_param": ssd,
      "prior_box_param": ssd,
      "detection_output_param": ssd,
      "multibox_loss_param": ssd,
      "annotated_data_param": ssd,
      "interp_param": "DeepLab and PSPNet",
      "bn_param": "PSPNet and SegNet",
      "shuffle_channel_param": "ShuffleNet forks",
      "center_loss_param": "caffe-face",
      "margin_inner_product_param": "SphereFace",
      "reorg_param": "YOLOv2 forks",
      "cos_data_param": "CaffeOnSpark",
      "source_class": "CaffeOnSpark",
      "dense_image_data_param": "SegNet and ENet",
    ],
    "BatchNormParameter": [
      "scale_bias": nvidia, "scale_filler": nvidia, "bias_filler": nvidia,
    ],
    "SolverParameter": [
      "warmup_iter": intel, "warmup_start_lr": intel,
      "rampup_interval": nvidia, "rampup_lr": nvidia, "min_lr": nvidia,
      "eval_type": ssd, "ap_version": ssd, "plateau_winsize": "\(ssd) and \(intel)",
    ],
  ]
}
