"""Loads an export with the other project's own code, up to the batch that its trainer sees; prints what came as JSON.

export_loaders.py PROJECT FOLDER PROCESSOR
PROJECT: datasets, trl, ms-swift, llama-factory, verl; easyr1, which no registry has: its columns, read with the packages that
EasyR1 reads them with (datasets, qwen-vl-utils, the model's processor). FOLDER: the export. PROCESSOR: folder with Qwen2.5-VL's tokenizer,
preprocessor configuration and chat template (no weights are needed).
"""
import json
import os
import sys
import tempfile

project, folder, processor_folder = sys.argv[1:4]
os.environ["HF_HOME"] = tempfile.mkdtemp()
os.environ["HF_DATASETS_CACHE"] = os.path.join(os.environ["HF_HOME"], "datasets")


def shown(batch):
    """Names, kinds and shapes of a batch."""
    return {key: list(value.shape) for key, value in batch.items() if hasattr(value, "shape")}


def load_datasets():
    import datasets

    data = datasets.load_dataset(folder)
    rows = []
    for split in data:
        for row in data[split]:
            seen = {"id": row["id"], "split": split, "times": len(row["frame_times"])}
            for name in ("video", "absent_video"):
                if row[name] is not None:
                    frames = [frame for frame in row[name]]
                    seen[name] = {"frames": len(frames), "shape": list(frames[0].shape), "sum": int(sum(int(f.long().sum()) for f in frames))}
            rows.append(seen)
    return {"features": {name: str(kind) for name, kind in data[next(iter(data))].features.items()}, "rows": rows}


def load_trl():
    import datasets
    from transformers import AutoProcessor
    from trl.data_utils import prepare_multimodal_messages
    from trl.trainer.dpo_trainer import DataCollatorForVisionPreference

    processor = AutoProcessor.from_pretrained(processor_folder)
    dpo = datasets.load_dataset("parquet", data_files=os.path.join(folder, "train-dpo.parquet"), split="train")
    grpo = datasets.load_dataset("parquet", data_files=os.path.join(folder, "train-grpo.parquet"), split="train")
    collate = DataCollatorForVisionPreference(processor=processor)
    batch = collate([dpo[0], dpo[1]])
    prompts = [prepare_multimodal_messages(row["prompt"], images=row["images"]) for row in grpo]
    text = processor.apply_chat_template(prompts[0], add_generation_prompt=True, tokenize=False)
    return {
        "dpo": shown(batch),
        "images": [len(row["images"]) for row in grpo],
        "absent": [len(row["absent_images"] or []) for row in grpo],
        "solutions": [row["solution"] for row in grpo],
        "text": text,
        "size": list(grpo[0]["images"][0].size),
    }


def load_swift():
    # Twice a second, its default, sees nothing of an event that is shorter than half a second.
    os.environ["FPS"] = "8"
    from swift.dataset import load_dataset
    from swift.model import get_processor
    from swift.template import get_template

    pairs, _ = load_dataset(os.path.join(folder, "train-pairs.jsonl"), num_proc=1, strict=True)
    rows, _ = load_dataset(os.path.join(folder, "train.jsonl"), num_proc=1, strict=True, remove_unused_columns=False)
    processor = get_processor(processor_folder, model_type="qwen2_5_vl")
    template = get_template(processor, template_type="qwen2_5_vl")
    template.set_mode("rlhf")
    encoded = [template.encode(pairs[at]) for at in range(2)]
    batch = template.data_collator(encoded)
    differs = any(
        encoded[0][f"chosen_{name}"].ne(encoded[0][f"rejected_{name}"]).any().item() for name in ("pixel_values_videos",)
    )
    template.set_mode("train")
    plain = template.data_collator([template.encode(rows[0])])
    return {
        "pairs": len(pairs),
        "rows": len(rows),
        "columns": sorted(rows.column_names),
        "encoded": sorted(encoded[0]),
        "pairBatch": shown(batch),
        "twinDiffers": differs,
        "batch": shown(plain),
    }


def without_torchaudio():
    """LLaMA-Factory imports torchaudio, and no release of it fits this torch; our films are silent, nothing calls it."""
    import importlib.machinery
    import types

    sound = types.ModuleType("torchaudio")
    sound.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
    sys.modules["torchaudio"] = sound


def load_llamafactory():
    without_torchaudio()
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.data.collator import MultiModalDataCollatorForSeq2Seq, PairwiseDataCollatorWithPadding
    from llamafactory.hparams import DataArguments, ModelArguments
    from transformers import AutoProcessor, Seq2SeqTrainingArguments

    processor = AutoProcessor.from_pretrained(processor_folder)
    tokenizer = processor.tokenizer
    info = json.load(open(os.path.join(folder, "dataset_info.json")))
    model_args = ModelArguments(model_name_or_path=processor_folder)
    for name in ("image_max_pixels", "image_min_pixels", "video_max_pixels", "video_min_pixels", "video_fps", "video_maxlen"):
        setattr(processor, name, getattr(model_args, name))
    processor.image_do_pan_and_scan = False
    processor.crop_to_patches = False
    processor.use_audio_in_video = False
    processor.audio_sampling_rate = 16000
    training = Seq2SeqTrainingArguments(output_dir=tempfile.mkdtemp(), report_to=[])
    found = {"names": sorted(info)}
    for stage in ("sft", "rm"):
        name = next(one for one in sorted(info) if one.endswith("_ranking") == (stage == "rm"))
        data_args = DataArguments(dataset_dir=folder, media_dir=folder, dataset=name, template="qwen2_vl", cutoff_len=8192)
        template = get_template_and_fix_tokenizer(tokenizer, data_args)
        data = get_dataset(template, model_args, data_args, training, stage, tokenizer, processor)["train_dataset"]
        kind = PairwiseDataCollatorWithPadding if stage == "rm" else MultiModalDataCollatorForSeq2Seq
        collate = kind(template=template, processor=processor, tokenizer=tokenizer, padding=True)
        found[stage] = {"rows": len(data), "batch": shown(collate([data[0], data[1]]))}
    return found


def load_verl():
    from omegaconf import OmegaConf
    from transformers import AutoProcessor
    from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

    processor = AutoProcessor.from_pretrained(processor_folder)
    config = OmegaConf.create({"max_prompt_length": 8192, "filter_overlong_prompts": True, "filter_overlong_prompts_workers": 1, "cache_dir": tempfile.mkdtemp()})
    data = RLHFDataset(os.path.join(folder, "train.parquet"), processor.tokenizer, config, processor)
    rows = [data[at] for at in range(len(data))]
    batch = collate_fn(rows[:2])
    messages = rows[0]["raw_prompt"]
    _, videos, _ = data._process_multi_modal_info(list(messages), data.image_patch_size, config)
    return {
        "rows": len(rows),
        "keys": sorted(batch),
        "prompt": json.loads(json.dumps(list(messages), default=str)),
        "videos": [str(getattr(video[0] if isinstance(video, tuple) else video, "shape", type(video))) for video in videos],
        "truth": [row["reward_model"]["ground_truth"] for row in rows],
        "absent": [list(row["extra_info"]["absent_videos"]) for row in rows],
    }


def load_easyr1():
    import datasets
    from qwen_vl_utils import fetch_video
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(processor_folder)
    data = datasets.load_dataset("parquet", data_files=os.path.join(folder, "train.parquet"), split="train")
    rows = []
    for row in data:
        pieces = row["problem"].split("<video>")
        content = [{"type": "video"} if at % 2 else {"type": "text", "text": pieces[at // 2]} for at in range(2 * len(pieces) - 1)]
        text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False)
        videos, absent = ([fetch_video({"video": name, "fps": 8.0}) for name in row[column]] for column in ("videos", "absent_videos"))
        batch = processor(text=[text], videos=videos, return_tensors="pt")
        rows.append({
            "markers": len(pieces) - 1,
            "answer": row["answer"],
            "videos": [list(video.shape) for video in videos],
            "absent": [list(video.shape) for video in absent],
            "differs": bool((videos[0] != absent[0]).any()),
            "batch": shown(batch),
        })
    return {"rows": rows}


loaders = {
    "datasets": load_datasets,
    "trl": load_trl,
    "ms-swift": load_swift,
    "llama-factory": load_llamafactory,
    "verl": load_verl,
    "easyr1": load_easyr1,
}
print("RESULT " + json.dumps(loaders[project]()))
